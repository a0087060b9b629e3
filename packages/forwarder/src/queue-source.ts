import type { Position } from '@k2hft/queue';

export interface QueuedBatch {
  readonly position: Position;
  /** The whole batch, owned by whoever has read it. */
  readonly bytes: Buffer;
}

export type SequenceRange = [first: number, last: number];

/** What the forwarder needs of a queue; QueueDrain of @k2hft/queue has it. */
export interface QueueSource {
  /** UUID of the queue. */
  readonly source: string;
  /** Epoch of new batches. */
  epoch(): number;
  /**
   * The next batches behind `after`, in order, without those that this cursor has acknowledged or that were given
   * up. Stops before `bytesMax` or `countMax` are passed, but a first batch is always returned. Stops at a batch
   * that must not be given out yet: nothing behind it is returned before it is. Returns nothing when it cannot read
   * just now.
   */
  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[];
  /** `read` and `floor` know of it at once; what is stored may come later. */
  ack(cursor: string, epoch: number, ranges: SequenceRange[]): void;
  /** Lowest position, behind `after` if that is given, that this cursor may still be given. */
  floor(cursor: string, after?: Position): Position;
  /** False only when nothing is behind `after`, be it ready to be read or not. */
  hasNew(after: Position): boolean;
  /** The writer may have changed something. */
  noticed(): void;
  /** A new destination: it begins with what is still there. Nothing happens when it is known. */
  addCursor(name: string): void;
  /** No destination any more: nothing is kept for it, and what it acknowledges means nothing. */
  removeCursor(name: string): void;
  /** Acknowledgements so far are stored. */
  flushed(): Promise<void>;
}
