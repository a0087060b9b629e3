import { comparePositions, type Position } from './position.js';
import { RangeSet, SEQUENCE_MAX, type Range } from './range-set.js';

/** What is written of an AckSet into the state. */
export interface AckSetRecord {
  readonly floor: Position;
  readonly above: (readonly [epoch: number, ranges: Range[]])[];
}

/**
 * The positions that need no delivery any more: all below a floor, and ranges above it. Epochs that are over are
 * closed with a range to the end of their sequences; that is how the floor gets from one epoch into the next.
 */
export class AckSet {
  private lowest: Position;
  private readonly above = new Map<number, RangeSet>();

  constructor(record: AckSetRecord = { floor: { epoch: 1, sequence: 1 }, above: [] }) {
    this.lowest = record.floor;
    for (const [epoch, ranges] of record.above) this.above.set(epoch, new RangeSet(ranges));
    this.raiseFloor();
  }

  /** The lowest position that is not in the set. */
  get floor(): Position {
    return this.lowest;
  }

  has(position: Position): boolean {
    return (
      comparePositions(position, this.lowest) < 0 ||
      (this.above.get(position.epoch)?.has(position.sequence) ?? false)
    );
  }

  add(epoch: number, first: number, last: number): void {
    if (epoch < this.lowest.epoch) return;
    if (epoch === this.lowest.epoch) {
      if (last < this.lowest.sequence) return;
      first = Math.max(first, this.lowest.sequence);
    }
    if (
      epoch === this.lowest.epoch &&
      first === this.lowest.sequence &&
      !this.above.has(epoch) &&
      last < SEQUENCE_MAX
    ) {
      // The usual case: acks in order, nothing above the floor.
      this.lowest = { epoch, sequence: last + 1 };
      return;
    }
    this.inEpoch(epoch).add(first, last);
    this.raiseFloor();
  }

  /** Everything up to and without `floor`. */
  addBelow(floor: Position): void {
    if (comparePositions(floor, this.lowest) <= 0) return;
    for (const epoch of [...this.above.keys()]) if (epoch < floor.epoch) this.above.delete(epoch);
    this.lowest = floor;
    this.above.get(floor.epoch)?.removeBelow(floor.sequence);
    this.raiseFloor();
  }

  /** The lowest position from `position` on that is not in the set. */
  nextMissing(position: Position): Position {
    let { epoch, sequence } = comparePositions(position, this.lowest) < 0 ? this.lowest : position;
    for (;;) {
      const next = this.above.get(epoch)?.nextMissing(sequence) ?? sequence;
      if (next <= SEQUENCE_MAX) return { epoch, sequence: next };
      epoch++;
      sequence = 1;
    }
  }

  /** The parts of `first` to `last` that are, or are not, in the set. */
  within(epoch: number, first: number, last: number): Range[] {
    return [...this.pieces(epoch).within(first, last)];
  }

  missingWithin(epoch: number, first: number, last: number): Range[] {
    return [...this.pieces(epoch).missingWithin(first, last)];
  }

  /** Everything from `first` to `last`; they may lie in different epochs. */
  covers(first: Position, last: Position): boolean {
    return comparePositions(this.nextMissing(first), last) > 0;
  }

  record(): AckSetRecord {
    return { floor: this.lowest, above: [...this.above].map(([epoch, set]) => [epoch, [...set.ranges()]]) };
  }

  private pieces(epoch: number): RangeSet {
    const set = new RangeSet(this.above.get(epoch)?.ranges() ?? []);
    if (epoch < this.lowest.epoch) set.add(0, SEQUENCE_MAX);
    if (epoch === this.lowest.epoch) set.add(0, this.lowest.sequence - 1);
    return set;
  }

  private inEpoch(epoch: number): RangeSet {
    let set = this.above.get(epoch);
    if (set === undefined) this.above.set(epoch, (set = new RangeSet()));
    return set;
  }

  private raiseFloor(): void {
    for (;;) {
      const set = this.above.get(this.lowest.epoch);
      if (set === undefined) return;
      const next = set.nextMissing(this.lowest.sequence);
      if (next > SEQUENCE_MAX) {
        this.above.delete(this.lowest.epoch);
        this.lowest = { epoch: this.lowest.epoch + 1, sequence: 1 };
        continue;
      }
      this.lowest = { epoch: this.lowest.epoch, sequence: next };
      set.removeBelow(next);
      if (set.isEmpty) this.above.delete(this.lowest.epoch);
      return;
    }
  }
}
