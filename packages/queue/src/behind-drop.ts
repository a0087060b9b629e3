import { addAmounts, NO_AMOUNT, type Amount } from './counters.js';
import type { DrainBooks } from './drain-books.js';
import type { HotTier } from './hot-tier.js';
import { after } from './mover.js';
import { pendingAmount } from './pending.js';
import { comparePositions, type Position } from './position.js';
import { RangeSet } from './range-set.js';
import type { StoreFile } from './store-file.js';

/** A destination with less than this share of what the one furthest behind has pending is not behind. */
const BEHIND_SHARE = 0.5;

type Visit = (position: Position, value: Buffer) => boolean;

/** What one cursor gives up. */
interface Share {
  readonly cursor: string;
  readonly sequences: Map<number, RangeSet>;
  lost: Amount;
}

/**
 * Makes room where several servers each get everything: the oldest goes, and only for those that are behind, each
 * counted as `drop_oldest to URL`. Of the store whole files go, as only these free the disk; then what is oldest in
 * hot. What a cursor that is not behind has still to get of them stays until it has got it.
 *
 * @param covered files that are about to go anyway
 * @returns what at least one of them does not get
 */
export function dropBehind(
  books: DrainBooks<HotTier>,
  bytes: number,
  covered: readonly StoreFile[] = [],
): Amount {
  const behind = cursorsBehind(books);
  let given = NO_AMOUNT;
  let freedBytes = 0;
  for (const file of books.store.all) {
    if (freedBytes >= bytes) return given;
    const { first, last } = file;
    if (first === undefined || last === undefined || covered.includes(file)) continue;
    const lost = giveUpEach(books, behind, Infinity, (visit) => {
      file.forEach(first, last, visit);
    });
    if (lost.batches > 0) freedBytes += file.fileBytes;
    given = addAmounts(given, lost);
  }
  if (freedBytes >= bytes) return given;
  const inHot = giveUpEach(books, behind, bytes - freedBytes, (visit) => {
    visitHot(books, visit);
  });
  return addAmounts(given, inHot);
}

function cursorsBehind(books: DrainBooks<HotTier>): string[] {
  const { cursors } = books;
  const pending = cursors.names.map((name) => ({
    name,
    bytes: pendingAmount(books, cursors.set(name)).bytes,
  }));
  const mostBytes = Math.max(...pending.map(({ bytes }) => bytes));
  return pending.filter(({ bytes }) => bytes >= mostBytes * BEHIND_SHARE).map(({ name }) => name);
}

/** For each of the cursors what it has not acked of what `scan` visits, until batches of `bytesMax` went. */
function giveUpEach(
  books: DrainBooks<HotTier>,
  names: readonly string[],
  bytesMax: number,
  scan: (visit: Visit) => void,
): Amount {
  const shares = names.map((cursor): Share => ({ cursor, sequences: new Map(), lost: NO_AMOUNT }));
  let given = NO_AMOUNT;
  scan((position, value) => {
    const losing = shares.filter(({ cursor }) => !books.cursors.set(cursor).has(position));
    if (losing.length === 0) return true;
    const amount = { batches: 1, records: books.inspect(value).records, bytes: value.length };
    for (const share of losing) note(share, position, amount);
    given = addAmounts(given, amount);
    return given.bytes < bytesMax;
  });
  // Not before: to look at anything else while a value is visited would overwrite it.
  for (const { cursor, sequences, lost } of shares) {
    for (const [epoch, ranges] of sequences) books.giveUpFor(cursor, epoch, [...ranges.ranges()]);
    books.noteLoss(`drop_oldest ${cursor}`, lost);
  }
  return given;
}

function note(share: Share, { epoch, sequence }: Position, amount: Amount): void {
  const ofEpoch = share.sequences.get(epoch) ?? new RangeSet();
  ofEpoch.add(sequence, sequence);
  share.sequences.set(epoch, ofEpoch);
  share.lost = addAmounts(share.lost, amount);
}

function visitHot({ hot, cursors, checkpointed }: DrainBooks<HotTier>, visit: Visit): void {
  const unstored = after(checkpointed);
  const wanted = cursors.gone.floor;
  hot.refresh();
  hot.forEach(comparePositions(wanted, unstored) > 0 ? wanted : unstored, visit);
  hot.refresh();
}
