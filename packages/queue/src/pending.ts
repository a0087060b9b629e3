import type { AckSet } from './ack-set.js';
import type { Amount } from './counters.js';
import type { DrainBooks } from './drain-books.js';
import type { HotTier } from './hot-tier.js';
import { after } from './mover.js';
import { comparePositions, type Position } from './position.js';
import type { StoreFile } from './store-file.js';

/** What a destination has still to get. Batches are exact, records and bytes are scaled from what was looked at. */
export interface CursorStatistics {
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  /** Time of the oldest batch since 1970; undefined when there is none. */
  readonly oldestMs: number | undefined;
}

/** Of hot, so much is looked at: what is behind it is taken to be alike. */
const LOOK_BATCHES = 2000;
const LOOK_BYTES = 16 * 1024 * 1024;

export function pendingOf(books: DrainBooks<HotTier>, acked: AckSet): CursorStatistics {
  return { ...pendingAmount(books, acked), oldestMs: oldestMs(books, acked) };
}

/** Up to `to` and with it; undefined: all of it. */
export function pendingAmount(books: DrainBooks<HotTier>, acked: AckSet, to?: Position): Amount {
  const stored = pendingInStore(books, acked, to);
  const hot = pendingInHot(books, acked, to);
  return {
    batches: stored.batches + hot.batches,
    records: Math.round(stored.records + hot.records),
    bytes: Math.round(stored.bytes + hot.bytes),
  };
}

function pendingInStore(
  { store }: DrainBooks<HotTier>,
  acked: AckSet,
  to: Position | undefined,
): { batches: number; records: number; bytes: number } {
  let [batches, records, bytes] = [0, 0, 0];
  for (const file of store.all) {
    const { amount } = file;
    if (amount.batches === 0) continue;
    const missing = missingInFile(file, acked, to);
    // A file holds only some of its span: what was acked before it was written is not in it.
    const share = Math.min(1, missing / amount.batches);
    batches += Math.min(missing, amount.batches);
    records += amount.records * share;
    bytes += amount.bytes * share;
  }
  return { batches, records, bytes };
}

function pendingInHot(
  books: DrainBooks<HotTier>,
  acked: AckSet,
  to: Position | undefined,
): { batches: number; records: number; bytes: number } {
  const { hot, inspect } = books;
  hot.refresh();
  const newest = hot.lastPosition();
  if (newest === undefined || (to !== undefined && to.epoch < hot.epoch))
    return { batches: 0, records: 0, bytes: 0 };
  const last = earlier(newest, to);
  const checkpointed = books.checkpointed;
  const first = checkpointed.epoch === hot.epoch ? checkpointed.sequence + 1 : 1;
  const batches = missingCount(acked, hot.epoch, first, last.sequence);
  let [seen, records, bytes] = [0, 0, 0];
  hot.forEach({ epoch: hot.epoch, sequence: first }, (position, value) => {
    if (comparePositions(position, last) > 0) return false;
    if (acked.has(position)) return true;
    seen++;
    records += inspect(value).records;
    bytes += value.length;
    return seen < LOOK_BATCHES && bytes < LOOK_BYTES;
  });
  hot.refresh();
  const scale = seen === 0 ? 0 : batches / seen;
  return { batches, records: records * scale, bytes: bytes * scale };
}

function oldestMs(books: DrainBooks<HotTier>, acked: AckSet): number | undefined {
  const { hot, store, inspect } = books;
  const checkpointed = books.checkpointed;
  let found: number | undefined;
  const look = (position: Position, bytes: Buffer): boolean => {
    if (acked.has(position)) return true;
    found = inspect(bytes).timeMs;
    return false;
  };
  const start = acked.floor;
  if (!store.forEach(start, checkpointed, look)) return found;
  const inHot = after(checkpointed);
  hot.forEach(comparePositions(start, inHot) > 0 ? start : inHot, look);
  hot.refresh();
  return found;
}

function missingInFile(file: StoreFile, acked: AckSet, to: Position | undefined): number {
  const { first, last: newest } = file;
  if (first === undefined || newest === undefined) return 0;
  const last = earlier(newest, to);
  if (comparePositions(first, last) > 0 || acked.covers(first, last)) return 0;
  let missing = 0;
  for (let { epoch } = first; epoch <= last.epoch; epoch++) {
    const from = epoch === first.epoch ? first.sequence : 1;
    const to = epoch === last.epoch ? last.sequence : file.lastInEpoch(epoch);
    missing += missingCount(acked, epoch, from, to);
  }
  return missing;
}

function earlier(one: Position, other: Position | undefined): Position {
  return other === undefined || comparePositions(one, other) <= 0 ? one : other;
}

function missingCount(acked: AckSet, epoch: number, first: number, last: number): number {
  return acked.missingWithin(epoch, first, last).reduce((sum, [from, to]) => sum + to - from + 1, 0);
}
