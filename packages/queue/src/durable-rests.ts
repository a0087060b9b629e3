import { join } from 'node:path';
import { Environment } from './environment.js';
import { errorCode, QueueError } from './errors.js';
import { keyText, rowRange } from './keys.js';
import { FLAG_DURABLE_FIRST } from './limits.js';
import { comparePositions, type Position } from './position.js';
import type { InspectBatch } from './settings.js';
import { scanStore } from './store-folder.js';
import { readUint64BE, writeUint64BE } from './uint64.js';

/**
 * The unfinished end of a stream for which a program called fsync(2), shaped like a batch. It lies in hot as a row
 * whose key starts with `d`, and each requested checkpoint copies all of these rows into the state. When the power
 * was lost, the next worker appends them as batches of the new epoch.
 *
 * A rest must not come twice: the first batch that carries its bytes on has the flag DURABLE_FIRST. Such a batch
 * is in the store, and its stream's rest is gone from the state, before anybody may send it. Between these two a
 * kill leaves both; then the batch in the store counts, and the rest is superseded.
 */
export interface DurableRest {
  readonly key: string;
  readonly bytes: Buffer;
}

export interface SavedRest extends DurableRest {
  /** The last batch in hot when it was saved. */
  readonly savedAt: Position;
}

export const REST_PREFIX = 'd';

const HEAD_BYTES = 12;

/** epoch u32, sequence u64 of `savedAt`, then the rest. */
export function encodeRest(bytes: Uint8Array, savedAt: Position): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(savedAt.epoch, 0);
  writeUint64BE(head, savedAt.sequence, 4);
  return Buffer.concat([head, bytes]);
}

export function readRests(state: Environment): SavedRest[] {
  const rests: SavedRest[] = [];
  const [start, end] = rowRange(REST_PREFIX);
  state.forEach(start, end, (key, value) => {
    const savedAt = { epoch: value.readUInt32BE(0), sequence: readUint64BE(value, 4) };
    rests.push({ key: keyText(key), savedAt, bytes: Buffer.from(value.subarray(HEAD_BYTES)) });
    return true;
  });
  state.release();
  return rests;
}

export function stateFolder(directory: string): string {
  return join(directory, 'state', 'lmdb');
}

/** Those of `rests` that a batch in the store carries on. */
export function supersededRests(
  directory: string,
  rests: readonly SavedRest[],
  inspect: InspectBatch,
): Set<string> {
  const superseded = new Set<string>();
  if (rests.length === 0) return superseded;
  const waiting = rests.map((rest) => ({ rest, stream: inspect(rest.bytes).stream }));
  const from = rests.reduce((low, { savedAt }) => (comparePositions(savedAt, low) < 0 ? savedAt : low), {
    epoch: Infinity,
    sequence: 0,
  });
  scanStore(directory, from, (position, bytes) => {
    const { flags, stream } = inspect(bytes);
    if ((flags & FLAG_DURABLE_FIRST) === 0) return;
    for (const { rest, stream: restStream } of waiting) {
      if (restStream === stream && comparePositions(position, rest.savedAt) > 0) superseded.add(rest.key);
    }
  });
  return superseded;
}

/**
 * For the worker of `epoch`, after hot was thrown away: the rests of earlier epochs that were not carried on. The
 * state is read again after the store: the drain may meanwhile have removed a rest, and then sent, acked and
 * unlinked the batch that carried it on.
 */
export function restsOfEarlierEpochs(directory: string, epoch: number, inspect: InspectBatch): DurableRest[] {
  const candidates = readSavedRests(directory).filter(({ savedAt }) => savedAt.epoch < epoch);
  if (candidates.length === 0) return [];
  const superseded = supersededRests(directory, candidates, inspect);
  const still = new Set(readSavedRests(directory).map(({ key, savedAt }) => restName(key, savedAt)));
  return candidates.filter(({ key, savedAt }) => !superseded.has(key) && still.has(restName(key, savedAt)));
}

function restName(key: string, savedAt: Position): string {
  return `${key} ${savedAt.epoch}:${savedAt.sequence}`;
}

function readSavedRests(directory: string): SavedRest[] {
  let state: Environment;
  try {
    state = Environment.openReader(stateFolder(directory));
  } catch (error) {
    if (error instanceof QueueError && errorCode(error) === 'no_queue') return [];
    throw error;
  }
  try {
    return readRests(state);
  } finally {
    void state.close();
  }
}
