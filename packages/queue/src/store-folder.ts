import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Environment } from './environment.js';
import { QueueError } from './errors.js';
import { BATCHES_END, batchKey, batchPosition } from './keys.js';
import type { Position } from './position.js';

/**
 * The folder of the store: `store/00000001.mdb` and so on, each with LMDB's lock file beside it. Files follow each
 * other in queue order: no batch of a file stands before one of an earlier file.
 */
export function storeFolder(directory: string): string {
  return join(directory, 'store');
}

export function storeFilePath(directory: string, number: number): string {
  return join(storeFolder(directory), `${String(number).padStart(8, '0')}.mdb`);
}

/** The numbers of the files that are there, in queue order. */
export function storeFileNumbers(directory: string): number[] {
  let names: string[];
  try {
    names = readdirSync(storeFolder(directory));
  } catch {
    return [];
  }
  return names
    .map((name) => /^(\d{8})\.mdb$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

export function makeStoreFolder(directory: string): void {
  mkdirSync(storeFolder(directory), { recursive: true, mode: 0o700 });
}

export function removeStoreFile(path: string): void {
  rmSync(path, { force: true });
  rmSync(`${path}-lock`, { force: true });
  rmSync(`${path}.opening`, { force: true });
}

/** Lock files whose data file a killed forwarder had already unlinked. */
export function removeOrphanedLocks(directory: string): void {
  const present = new Set(
    storeFileNumbers(directory).map((number) => `${String(number).padStart(8, '0')}.mdb-lock`),
  );
  for (const name of readdirSync(storeFolder(directory))) {
    if (name.endsWith('.mdb-lock') && !present.has(name))
      rmSync(join(storeFolder(directory), name), { force: true });
  }
}

/** Visits the batches of the store from `from` on, in order; files that are unlinked meanwhile are passed over. */
export function scanStore(
  directory: string,
  from: Position,
  visit: (position: Position, bytes: Buffer) => void,
): void {
  for (const number of storeFileNumbers(directory)) {
    let file: Environment;
    try {
      file = Environment.openReader(storeFilePath(directory, number));
    } catch (error) {
      if (error instanceof QueueError && error.code === 'no_queue') continue;
      throw error;
    }
    try {
      file.forEach(batchKey(from.epoch, from.sequence), BATCHES_END, (key, value) => {
        visit(batchPosition(key), value);
        return true;
      });
    } finally {
      void file.close();
    }
  }
}
