import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, QueueError } from './errors.js';

/**
 * Who this queue is to its servers: `state/identity.json`. The source is made once. The epoch is raised before a
 * new hot is made, durably, so that no epoch is ever used for two of them.
 */
export interface Identity {
  /** A UUID. */
  readonly source: string;
  /** The last one that was given out; 0: none yet. */
  readonly epoch: number;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function identityFile(directory: string): string {
  return join(directory, 'state', 'identity.json');
}

export function readIdentity(directory: string): Identity | undefined {
  let text: string;
  try {
    text = readFileSync(identityFile(directory), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const identity = parseIdentity(text);
  if (identity === undefined) {
    throw new QueueError(
      'damaged',
      `${identityFile(directory)} is damaged: restore it, or move the queue away`,
    );
  }
  return identity;
}

/** Whoever of worker and forwarder comes first makes it; the other one finds it. */
export function loadIdentity(directory: string): Identity {
  mkdirSync(join(directory, 'state'), { recursive: true, mode: 0o700 });
  const found = readIdentity(directory);
  if (found !== undefined) return found;
  const file = identityFile(directory);
  const temporary = `${file}.${process.pid}`;
  writeDurably(temporary, { source: randomUUID(), epoch: 0 });
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(file));
  return loadIdentity(directory);
}

/** Gives out the next epoch. Called by the process that writes hot, and by no other. */
export function raiseEpoch(directory: string): Identity {
  const { source, epoch } = loadIdentity(directory);
  const raised = { source, epoch: epoch + 1 };
  const file = identityFile(directory);
  writeDurably(`${file}.new`, raised);
  renameSync(`${file}.new`, file);
  syncFolder(dirname(file));
  return raised;
}

export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeDurably(file: string, identity: Identity): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    writeSync(descriptor, `${JSON.stringify(identity)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function parseIdentity(text: string): Identity | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('source' in value) || !('epoch' in value))
      return undefined;
    const { source, epoch } = value;
    if (typeof source !== 'string' || !UUID.test(source)) return undefined;
    if (typeof epoch !== 'number' || !Number.isInteger(epoch) || epoch < 0) return undefined;
    return { source, epoch };
  } catch {
    return undefined;
  }
}
