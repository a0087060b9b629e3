import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { AckSet } from './ack-set.js';
import { addAmounts, mergeLosses, NO_AMOUNT, type Amount, type Losses } from './counters.js';
import { readCursors, readLosses } from './drain-state.js';
import { stateFolder } from './durable-rests.js';
import { Environment } from './environment.js';
import { QueueError } from './errors.js';
import { currentBootId, hotFolder, mayBeOpened, readMade } from './hot-folder.js';
import { HotView } from './hot-view.js';
import { readIdentity } from './identity.js';
import { BATCHES_END, batchKey, batchPosition } from './keys.js';
import { queueOwner, type QueueOwner } from './lock.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';
import type { InspectBatch } from './settings.js';
import { storeFileNumbers, storeFilePath } from './store-folder.js';
import { readFrom } from './store-file.js';
import { ToldReader } from './told-file.js';

export interface QueueListing {
  readonly source: string;
  readonly epoch: number;
  readonly owner: QueueOwner | undefined;
  readonly floor: Position;
  readonly cursors: Readonly<Record<string, Position>>;
  readonly hot: Amount;
  readonly store: Amount & { readonly files: number };
  /** Of what is still to be delivered, since 1970. */
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
  readonly lost: Losses;
}

export interface VerifiedQueue {
  readonly checked: Amount;
  readonly problems: readonly { readonly position: Position | undefined; readonly message: string }[];
}

type OnUnreadable = (path: string, error: QueueError) => void;

interface Look {
  readonly gone: AckSet;
  /** Every batch that is still to be delivered, in order. */
  visit(look: (position: Position, bytes: Buffer, tier: 'store' | 'hot') => void): void;
}

/** What a queue holds. Works beside the processes that use it. */
export function listQueue(directory: string, inspect: InspectBatch): QueueListing {
  const identity = requireQueue(directory);
  const look = lookInto(directory);
  const amounts = { hot: NO_AMOUNT, store: NO_AMOUNT };
  let [oldestMs, newestMs]: [number | undefined, number | undefined] = [undefined, undefined];
  look.visit((_, bytes, tier) => {
    const { records, timeMs } = inspect(bytes);
    amounts[tier] = addAmounts(amounts[tier], { batches: 1, records, bytes: bytes.length });
    oldestMs = Math.min(oldestMs ?? timeMs, timeMs);
    newestMs = Math.max(newestMs ?? timeMs, timeMs);
  });
  const state = inState(directory, (environment) => ({
    cursors: readCursors(environment)?.cursors ?? {},
    losses: readLosses(environment),
  }));
  return {
    ...identity,
    owner: queueOwner(directory),
    floor: look.gone.floor,
    cursors: Object.fromEntries(Object.entries(state?.cursors ?? {}).map(([name, set]) => [name, set.floor])),
    hot: amounts.hot,
    store: { ...amounts.store, files: storeFileNumbers(directory).length },
    oldestMs,
    newestMs,
    lost: mergeLosses(state?.losses ?? {}, hotLosses(directory)),
  };
}

/** Writes what `format` makes of each batch that is still to be delivered. Works beside the queue's processes. */
export async function dumpQueue(
  directory: string,
  output: Writable,
  format: (position: Position, bytes: Buffer) => Uint8Array | string,
): Promise<number> {
  requireQueue(directory);
  const pieces: (Uint8Array | string)[] = [];
  let position = POSITION_ZERO;
  let count = 0;
  for (;;) {
    let bytesLeft = DUMP_BYTES;
    pieces.length = 0;
    const { visitFrom } = lookFrom(directory, (_, error) => {
      throw error;
    });
    visitFrom(position, (at, bytes) => {
      pieces.push(format(at, Buffer.from(bytes)));
      position = { epoch: at.epoch, sequence: at.sequence + 1 };
      bytesLeft -= bytes.length;
      return bytesLeft > 0;
    });
    if (pieces.length === 0) return count;
    count += pieces.length;
    for (const piece of pieces) if (!output.write(piece)) await drained(output);
  }
}

/** Checks every batch that is still to be delivered, with `check` throwing what is wrong with it. */
export function verifyQueue(
  directory: string,
  check: (position: Position, bytes: Buffer) => void,
): VerifiedQueue {
  requireQueue(directory);
  const problems: { position: Position | undefined; message: string }[] = [];
  let checked = NO_AMOUNT;
  try {
    const look = lookInto(directory, (path, error) => {
      problems.push({ position: undefined, message: `${path}: ${error.message}` });
    });
    look.visit((position, bytes) => {
      checked = addAmounts(checked, { batches: 1, records: 0, bytes: bytes.length });
      try {
        check(position, bytes);
      } catch (error) {
        problems.push({ position, message: String(error) });
      }
    });
  } catch (error) {
    problems.push({ position: undefined, message: String(error) });
  }
  return { checked, problems };
}

/** So much is formatted at a time: the output sets the pace. */
const DUMP_BYTES = 4 * 1024 * 1024;

export function requireQueue(directory: string): { source: string; epoch: number } {
  const identity = existsSync(directory) ? readIdentity(directory) : undefined;
  if (identity !== undefined) return identity;
  throw new QueueError(
    'no_queue',
    `there is no queue in ${directory}: give the directory that queue.dir names`,
  );
}

function lookInto(directory: string, onUnreadable: OnUnreadable = () => undefined): Look {
  const { gone, visitFrom } = lookFrom(directory, onUnreadable);
  return {
    gone,
    visit: (look) => {
      visitFrom(POSITION_ZERO, (position, bytes, tier) => {
        look(position, bytes, tier);
        return true;
      });
    },
  };
}

function lookFrom(directory: string, onUnreadable: OnUnreadable) {
  const bootId = currentBootId();
  const record = inState(directory, readCursors);
  const gone = new AckSet(record?.gone);
  const reader = new ToldReader(directory, bootId);
  reader.refresh();
  reader.close();
  gone.addBelow(reader.told.floor);
  type Visit = (position: Position, bytes: Buffer, tier: 'store' | 'hot') => boolean;
  const visitFrom = (from: Position, visit: Visit): void => {
    let next = comparePositions(from, gone.floor) > 0 ? from : gone.floor;
    const take = (position: Position, bytes: Buffer, tier: 'store' | 'hot'): boolean => {
      if (comparePositions(position, next) < 0 || gone.has(position)) return true;
      next = { epoch: position.epoch, sequence: position.sequence + 1 };
      return visit(position, bytes, tier);
    };
    if (visitStore(directory, next, onUnreadable, (position, bytes) => take(position, bytes, 'store'))) {
      visitHot(directory, bootId, (position, bytes) => take(position, bytes, 'hot'));
    }
  };
  return { gone, visitFrom };
}

function visitStore(
  directory: string,
  from: Position,
  onUnreadable: OnUnreadable,
  visit: (at: Position, bytes: Buffer) => boolean,
): boolean {
  let goesOn = true as boolean;
  const numbers = storeFileNumbers(directory);
  const ends = endsOf(directory, numbers);
  for (const number of numbers) {
    const path = storeFilePath(directory, number);
    let file: Environment | undefined;
    try {
      file = openIfThere(path);
      file?.forEach(batchKey(from.epoch, from.sequence), ends.get(number) ?? BATCHES_END, (key, value) => {
        goesOn = visit(batchPosition(key), value);
        return goesOn;
      });
    } catch (error) {
      // A file may come or go just now; the others tell what they hold.
      if (!(error instanceof QueueError)) throw error;
      onUnreadable(path, error);
    } finally {
      void file?.close();
    }
    if (!goesOn) return false;
  }
  return true;
}

/** Keys from which on a file counts no longer, where a later one begins with what was appended again. */
function endsOf(directory: string, numbers: readonly number[]): Map<number, Buffer> {
  const ends = new Map<number, Buffer>();
  let end: Position | undefined;
  for (const number of numbers.toReversed()) {
    if (end !== undefined) ends.set(number, batchKey(end.epoch, end.sequence));
    const from = beginOf(storeFilePath(directory, number));
    // Only queues of one kind have it, and these in each file.
    if (from === undefined) break;
    end = from;
  }
  return ends;
}

/** Whether it is the queue of a process that appends to the store itself. */
export function carriesLedger(directory: string): boolean {
  return storeFileNumbers(directory).some(
    (number) => beginOf(storeFilePath(directory, number)) !== undefined,
  );
}

function beginOf(path: string): Position | undefined {
  let file: Environment | undefined;
  try {
    file = openIfThere(path);
    return file && readFrom(file);
  } catch (error) {
    // Whoever reads its batches tells of it.
    if (error instanceof QueueError) return undefined;
    throw error;
  } finally {
    void file?.close();
  }
}

function visitHot(directory: string, bootId: string, visit: (at: Position, bytes: Buffer) => boolean): void {
  if (!mayBeOpened(directory, bootId)) return;
  const epoch = readMade(hotFolder(directory))?.epoch ?? 0;
  const hot = openIfThere(hotFolder(directory));
  try {
    hot?.forEach(batchKey(epoch, 0), BATCHES_END, (key, value) => visit(batchPosition(key), value));
  } finally {
    void hot?.close();
  }
}

function hotLosses(directory: string): Losses {
  const view = new HotView(directory, currentBootId());
  view.open();
  const losses = view.losses();
  view.close();
  return losses;
}

function inState<T>(directory: string, read: (state: Environment) => T): T | undefined {
  const state = openIfThere(stateFolder(directory));
  try {
    return state === undefined ? undefined : read(state);
  } finally {
    void state?.close();
  }
}

function openIfThere(path: string): Environment | undefined {
  try {
    return Environment.openReader(path);
  } catch (error) {
    if (error instanceof QueueError && error.code === 'no_queue') return undefined;
    throw error;
  }
}

function drained(output: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: unknown): void => {
      output.off('drain', done);
      output.off('error', done);
      output.off('close', done);
      if (error instanceof Error) reject(error);
      else resolve();
    };
    output.on('drain', done);
    output.on('error', done);
    output.on('close', done);
  });
}
