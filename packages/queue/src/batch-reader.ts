import type { AckSet } from './ack-set.js';
import { BatchArena } from './batch-arena.js';
import type { DrainBooks } from './drain-books.js';
import type { HotTier } from './hot-tier.js';
import { FLAG_DURABLE_FIRST } from './limits.js';
import { after as behind } from './mover.js';
import { comparePositions, type Position } from './position.js';

export interface QueuedBatch {
  readonly position: Position;
  /** The reader's own copy. Batches of one read that share an ArrayBuffer lie in it back to back. */
  readonly bytes: Buffer;
}

/**
 * Reads what a cursor has not acked: up to the checkpoint from the store, behind it from hot. As only the drain
 * moves the checkpoint, and the worker deletes from hot only what lies before it or is acked, no batch is ever
 * missed in between; what is not found is lost, and given up so that the floor can rise.
 */
export class BatchReader {
  private readonly arena = new BatchArena();

  constructor(
    private readonly books: DrainBooks<HotTier>,
    /** 0: batches never expire. */
    public expireMs: number,
    /** A DURABLE_FIRST batch waits at the head of hot. */
    private readonly needsCheckpoint: () => void,
  ) {}

  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[] {
    const { books, expireMs } = this;
    const { store, cursors, inspect, checkpointed } = books;
    const acked = cursors.set(cursor);
    const found: QueuedBatch[] = [];
    const expiredBefore = expireMs > 0 ? Date.now() - expireMs : -Infinity;
    // Noted at the end: to look at anything else now would overwrite the value that is being visited.
    const gaps: [epoch: number, first: number, last: number][] = [];
    let bytes = 0;
    let expected = acked.nextMissing(behind(after));
    const take = (position: Position, value: Buffer): boolean => {
      if (acked.has(position)) return true;
      if (found.length > 0 && bytes + value.length > bytesMax) return false;
      if (expected.epoch === position.epoch && expected.sequence < position.sequence) {
        gaps.push([position.epoch, expected.sequence, position.sequence - 1]);
      }
      expected = acked.nextMissing(behind(position));
      if (expireMs > 0 && inspect(value).timeMs < expiredBefore) {
        books.expired(position, value);
        return true;
      }
      bytes += value.length;
      found.push({ position, bytes: this.arena.copy(value) });
      return found.length < countMax;
    };
    if (store.forEach(expected, checkpointed, take)) this.readHot(acked, expected, take);
    for (const [epoch, first, last] of gaps) books.noteMissing(epoch, first, last);
    const last = found.at(-1);
    if (last !== undefined) books.handedOut(cursor, last.position);
    return found;
  }

  private readHot(
    acked: AckSet,
    expected: Position,
    take: (position: Position, value: Buffer) => boolean,
  ): void {
    const { hot, inspect, checkpointed } = this.books;
    const inHot = comparePositions(expected, checkpointed) > 0 ? expected : behind(checkpointed);
    hot.refresh();
    hot.forEach(inHot.epoch === hot.epoch ? inHot : { epoch: hot.epoch, sequence: 1 }, (position, value) => {
      // What lies before is another epoch's hot, looked at before the drain has adopted the new one.
      if (comparePositions(position, inHot) < 0 || acked.has(position)) return true;
      if ((inspect(value).flags & FLAG_DURABLE_FIRST) !== 0) {
        this.needsCheckpoint();
        return false;
      }
      return take(position, value);
    });
    hot.refresh();
  }
}
