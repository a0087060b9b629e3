import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sizeOf } from './data-file.js';
import { Environment } from './environment.js';
import { raiseEpoch } from './identity.js';
import { BATCHES_END, FIRST_KEY, ownKey } from './keys.js';
import type { QueueOptions } from './settings.js';
import { HOT_ROWS, encodePosition } from './hot-rows.js';

/**
 * The folder of hot. Whether its database may be opened at all must be known before: after the power was lost its
 * pages may be anything, and LMDB does not check them. So a small file next to it names the boot and the epoch:
 *
 *   hot/made.json         {"bootId": ..., "epoch": ...}
 *   hot/damaged           made when an operation found damage; the next worker begins anew
 *   hot/opening           one byte for each worker in a row that died while it opened hot
 *   hot/data.mdb          the database
 *   hot.lost-<epoch>/     what was set aside, until the drain has counted it
 *   hot.new/              being made: renamed when it is whole
 *   hot.next/             the same for a copy of hot that is to take its place
 *   hot.old-<number>/     one whose place was taken; the drain removes it, as that may take a second
 */
export interface Made {
  readonly bootId: string;
  readonly epoch: number;
}

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

export function currentBootId(): string {
  return readFileSync(BOOT_ID_FILE, 'utf8').trim();
}

export function hotFolder(directory: string): string {
  return join(directory, 'hot');
}

export function readMade(folder: string): Made | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8'));
    if (typeof value !== 'object' || value === null || !('bootId' in value) || !('epoch' in value))
      return undefined;
    const { bootId, epoch } = value;
    return typeof bootId === 'string' && typeof epoch === 'number' && Number.isInteger(epoch)
      ? { bootId, epoch }
      : undefined;
  } catch {
    return undefined;
  }
}

/** LMDB ends the process over some kinds of damage. After so many in a row hot is taken for damaged. */
const OPENINGS_MAX = 5;

/** To be called before hot is opened for writing, and again, with `done`, when it has been looked at. */
export function noteOpening(directory: string, done = false): void {
  const file = join(hotFolder(directory), 'opening');
  if (done) rmSync(file, { force: true });
  else appendFileSync(file, 'x');
}

/** True when hot was made in this boot and nothing is known to be wrong with it. */
export function mayBeOpened(directory: string, bootId: string): boolean {
  const folder = hotFolder(directory);
  if (readMade(folder)?.bootId !== bootId || existsSync(join(folder, 'damaged'))) return false;
  return sizeOf(join(folder, 'opening')) < OPENINGS_MAX;
}

export function markDamaged(directory: string): void {
  writeFileSync(join(hotFolder(directory), 'damaged'), '');
}

/** Takes a hot away that can no longer be used; an earlier one that is still there is removed: one is kept. */
export function setHotAside(directory: string): void {
  const folder = hotFolder(directory);
  if (!existsSync(folder)) return;
  for (const earlier of lostHots(directory)) rmSync(earlier.folder, { recursive: true, force: true });
  renameSync(folder, join(directory, `hot.lost-${readMade(folder)?.epoch ?? 0}`));
}

export function lostHots(directory: string): { folder: string; epoch: number }[] {
  return readdirSync(directory).flatMap((name) => {
    const epoch = /^hot\.lost-(\d+)$/.exec(name)?.[1];
    return epoch === undefined ? [] : [{ folder: join(directory, name), epoch: Number(epoch) }];
  });
}

/**
 * Makes a copy of hot that can take its place. LMDB's list of free pages makes every transaction slow when much was
 * in a file once, and a file never shrinks.
 */
export function copyHot(directory: string, environment: Environment, mapBytes: number): void {
  const nextFolder = join(directory, 'hot.next');
  rmSync(nextFolder, { recursive: true, force: true });
  mkdirSync(nextFolder, { mode: 0o700 });
  const next = Environment.openWriter(nextFolder, { durable: false, mapBytes });
  try {
    environment.transact(() => {
      next.transact(() => {
        environment.forEach(FIRST_KEY, BATCHES_END, (key, value) => {
          next.put(key, value);
          return true;
        });
      });
    });
  } finally {
    void next.close();
  }
  copyFileSync(join(hotFolder(directory), 'made.json'), join(nextFolder, 'made.json'));
}

/**
 * Gives the copy the name of hot, which must be closed. Before the first of the two renames a kill leaves the old
 * hot, between them the copy, to which finishRenewal() then gives the name.
 */
export function takePlaceOfHot(directory: string): void {
  renameSync(hotFolder(directory), join(directory, `hot.old-${Date.now()}`));
  renameSync(join(directory, 'hot.next'), hotFolder(directory));
}

export function oldHots(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith('hot.old-'))
    .map((name) => join(directory, name));
}

/** Of a worker that was killed in the middle of it. */
export function finishRenewal(directory: string, bootId: string, epoch: number): void {
  const nextFolder = join(directory, 'hot.next');
  const made = readMade(nextFolder);
  if (!existsSync(hotFolder(directory)) && made?.bootId === bootId && made.epoch === epoch) {
    renameSync(nextFolder, hotFolder(directory));
  }
  rmSync(nextFolder, { recursive: true, force: true });
}

/** Makes an empty hot in an epoch of its own. Killed half way, it leaves at most an epoch that was never used. */
export function makeHot(directory: string, bootId: string, mapBytes: number): void {
  const { epoch } = raiseEpoch(directory);
  const folder = join(directory, 'hot.new');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  const environment = Environment.openWriter(folder, { durable: false, mapBytes });
  environment.transact(() => {
    environment.put(ownKey(HOT_ROWS.last), encodePosition({ epoch, sequence: 0 }));
  });
  void environment.close();
  writeFileSync(join(folder, 'made.json'), JSON.stringify({ bootId, epoch }));
  renameSync(folder, hotFolder(directory));
}

/** Address space, not memory: large enough that hot rarely has to be mapped anew. */
export function hotMapBytes(settings: QueueOptions): number {
  const MIB = 1024 * 1024;
  return Math.ceil((settings.maxSizeBytes * 1.25) / MIB) * MIB + 64 * MIB;
}
