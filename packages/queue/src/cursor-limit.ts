import { addAmounts, NO_AMOUNT, type Amount } from './counters.js';
import type { DrainBooks } from './drain-books.js';
import type { HotTier } from './hot-tier.js';
import { after } from './mover.js';
import { pendingAmount } from './pending.js';
import { comparePositions, type Position } from './position.js';
import { RangeSet } from './range-set.js';

/** Given up between two looks at how much is pending: as far as the bound may be overshot. */
const STEP_BYTES = 1024 * 1024;
const STEP_BATCHES = 1000;

/** In one call: the forwarder has other things to do. */
const STEPS_MAX = 32;

/** What a cursor that falls behind gives up, and what counts it. */
const REASON = 'plugin_behind';

/**
 * Gives up the oldest pending batches of one cursor, behind `from`, until about `bytesMax` are pending. What is
 * pending is estimated where counting would take long; what is given up is counted exactly. What is behind `to` is neither
 * counted nor given up: a worker appends meanwhile, and the caller may not know yet whom that is for.
 */
export function limitCursor(
  books: DrainBooks<HotTier>,
  cursor: string,
  bytesMax: number,
  from: Position,
  to?: Position,
): Amount {
  let given = NO_AMOUNT;
  for (let step = 0; step < STEPS_MAX; step++) {
    const excessBytes = pendingAmount(books, books.cursors.set(cursor), to).bytes - bytesMax;
    if (excessBytes <= 0) break;
    const some = giveUpOldest(books, cursor, Math.min(excessBytes, STEP_BYTES), from, to);
    if (some.batches === 0) break;
    given = addAmounts(given, some);
  }
  return given;
}

function giveUpOldest(
  books: DrainBooks<HotTier>,
  cursor: string,
  bytes: number,
  from: Position,
  to: Position | undefined,
): Amount {
  const { store, hot, checkpointed, inspect } = books;
  const acked = books.cursors.set(cursor);
  const sequences = new Map<number, RangeSet>();
  let given = NO_AMOUNT;
  const visit = (position: Position, value: Buffer): boolean => {
    if (to !== undefined && comparePositions(position, to) > 0) return false;
    if (acked.has(position)) return true;
    const ofEpoch = sequences.get(position.epoch) ?? new RangeSet();
    ofEpoch.add(position.sequence, position.sequence);
    sequences.set(position.epoch, ofEpoch);
    given = addAmounts(given, { batches: 1, records: inspect(value).records, bytes: value.length });
    return given.bytes < bytes && given.batches < STEP_BATCHES;
  };
  const start = acked.nextMissing(after(from));
  if (store.forEach(start, checkpointed, visit)) {
    const inHot = after(checkpointed);
    hot.refresh();
    hot.forEach(comparePositions(start, inHot) > 0 ? start : inHot, visit);
    hot.refresh();
  }
  for (const [epoch, ranges] of sequences) books.giveUpFor(cursor, epoch, [...ranges.ranges()]);
  books.noteLoss(REASON, given);
  return given;
}
