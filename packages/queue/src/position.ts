/**
 * Where a batch stands in its source's queue. Sequences start at 1 in each epoch and never repeat in it; the
 * epoch goes up whenever sequences may have been lost that a server could already have seen. Positions are
 * ordered by epoch, then by sequence.
 */
export interface Position {
  readonly epoch: number;
  readonly sequence: number;
}

/** Before every batch of every queue. */
export const POSITION_ZERO: Position = { epoch: 0, sequence: 0 };

/** Negative, zero or positive as `a` stands before, at or after `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.sequence - b.sequence;
}
