import type { AckSetRecord } from './ack-set.js';
import type { DrainBooks } from './drain-books.js';
import type { DurableRest, SavedRest } from './durable-rests.js';
import { QueueError } from './errors.js';
import { FLAG_DURABLE_FIRST, STORE_TRANSACTION_BATCHES } from './limits.js';
import { comparePositions, type Position } from './position.js';
import type { InspectBatch } from './settings.js';
import type { StoreEntry } from './store-file.js';

/**
 * Brings what is in hot up to `target` to the disk, and what has to be told only when that is done:
 *
 *   1. batches that somebody still wants: into the store, in order, each transaction flushed before the next
 *   2. the state, if durable rests change: those of streams that go on in a DURABLE_FIRST batch leave, and when
 *      `rests` is given, it takes the place of all that was saved in this epoch
 *
 * The caller tells it afterwards. A kill anywhere in between leaves batches in both tiers, never in none.
 */
export async function moveToStore(books: DrainBooks, target: Position, rests?: RestSnapshot): Promise<void> {
  const carriedOn = new Map<number, Position>();
  let next = after(books.checkpointed);
  while (comparePositions(next, target) <= 0) {
    const { entries, end, gone } = gather(books, next, target, carriedOn);
    // What was left out of them, and why, is written with them: else it would later look as if it were lost.
    if (entries.length > 0) await books.store.append(entries, gone);
    next = after(end);
  }
  const changes = restChanges(books, target, carriedOn, rests);
  // What was acked out of order was not moved. Were that forgotten, it would later look as if it were lost.
  const ackedOutOfOrder = books.cursors.gone.record().above.length > 0;
  if (changes.size > 0 || ackedOutOfOrder)
    await books.state.save(books.cursors.record(), books.losses, changes);
}

/** The rests as they were when hot's last batch was the target. */
export interface RestSnapshot {
  readonly rests: readonly DurableRest[];
  /** Those of earlier epochs are batches by now. */
  readonly earlierTaken: boolean;
}

/** Copies what one transaction takes. `end` is the last position that has been dealt with. */
function gather(
  books: DrainBooks,
  from: Position,
  target: Position,
  carriedOn: Map<number, Position>,
): { entries: StoreEntry[]; end: Position; gone: AckSetRecord } {
  const { hot, cursors, inspect } = books;
  // Without this, everything up to the target would look as if it were missing.
  if (!hot.isOpen || hot.epoch !== target.epoch)
    throw new QueueError('io', 'hot was replaced during a checkpoint');
  const entries: StoreEntry[] = [];
  const gaps: [epoch: number, first: number, last: number][] = [];
  let bytes = 0;
  let end = target;
  let expected = cursors.gone.nextMissing(
    hot.epoch === from.epoch ? from : { epoch: hot.epoch, sequence: 1 },
  );
  hot.refresh();
  // An opening process can put hot back for a moment (see environment.ts): what is not seen is not missing.
  const last = hot.lastPosition();
  if (last === undefined || comparePositions(last, target) < 0) {
    throw new QueueError('io', 'the end of hot cannot be seen just now');
  }
  hot.forEach(expected, (position, value) => {
    if (comparePositions(position, target) > 0) return false;
    if (cursors.gone.has(position)) return true;
    if (
      entries.length >= STORE_TRANSACTION_BATCHES ||
      (bytes > 0 && bytes + value.length > books.store.transactionBytes)
    ) {
      end = before(position);
      return false;
    }
    if (expected.epoch === position.epoch && expected.sequence < position.sequence) {
      gaps.push([position.epoch, expected.sequence, position.sequence - 1]);
    }
    const { flags, stream, records } = inspect(value);
    if ((flags & FLAG_DURABLE_FIRST) !== 0) carriedOn.set(stream, position);
    entries.push({ position, bytes: Buffer.from(value), records });
    bytes += value.length;
    expected = cursors.gone.nextMissing(after(position));
    return true;
  });
  if (comparePositions(expected, end) <= 0 && expected.epoch === end.epoch) {
    gaps.push([end.epoch, expected.sequence, end.sequence]);
  }
  // Not before: to look at anything else while a value is visited would overwrite it.
  for (const [epoch, first, last] of gaps) books.noteMissing(epoch, first, last);
  hot.refresh();
  return { entries, end, gone: cursors.gone.record() };
}

function restChanges(
  books: DrainBooks,
  target: Position,
  carriedOn: ReadonlyMap<number, Position>,
  snapshot: RestSnapshot | undefined,
): Map<string, { bytes: Buffer; savedAt: Position } | undefined> {
  const changes = new Map<string, { bytes: Buffer; savedAt: Position } | undefined>();
  if (snapshot === undefined && carriedOn.size === 0) return changes;
  const saved = books.state.rests();
  for (const rest of saved) {
    if (isReplaced(rest, target, snapshot) || isCarriedOn(rest, carriedOn, books.inspect)) {
      changes.set(rest.key, undefined);
    }
  }
  for (const { key, bytes } of snapshot?.rests ?? []) {
    const same = saved
      .find((rest) => rest.key === key && rest.savedAt.epoch === target.epoch)
      ?.bytes.equals(bytes);
    // What is saved already needs no flush again.
    if (same === true) changes.delete(key);
    else changes.set(key, { bytes, savedAt: target });
  }
  return changes;
}

function isReplaced(rest: SavedRest, target: Position, snapshot: RestSnapshot | undefined): boolean {
  return snapshot !== undefined && (rest.savedAt.epoch === target.epoch || snapshot.earlierTaken);
}

function isCarriedOn(
  rest: SavedRest,
  carriedOn: ReadonlyMap<number, Position>,
  inspect: InspectBatch,
): boolean {
  const position = carriedOn.get(inspect(rest.bytes).stream);
  return position !== undefined && comparePositions(position, rest.savedAt) > 0;
}

export function after({ epoch, sequence }: Position): Position {
  return { epoch, sequence: sequence + 1 };
}

function before({ epoch, sequence }: Position): Position {
  return { epoch, sequence: sequence - 1 };
}
