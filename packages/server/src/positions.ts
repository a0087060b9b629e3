import { Intervals } from './intervals.js';

/** Where a batch stands in its source's queue; ordered by epoch, then by sequence. */
export interface Position {
  readonly epoch: number;
  readonly sequence: number;
}

/** A set of positions. */
export class PositionSet {
  readonly #epochs = new Map<number, Intervals>();
  #intervalCount = 0;

  get empty(): boolean {
    return this.#epochs.size === 0;
  }

  /** In how many intervals the positions lie: what the set costs. Counted as they change: it is asked for with each batch. */
  get intervalCount(): number {
    return this.#intervalCount;
  }

  get epochCount(): number {
    return this.#epochs.size;
  }

  has(position: Position): boolean {
    return this.#epochs.get(position.epoch)?.has(position.sequence) ?? false;
  }

  /** Whether the one before or the one behind it is there: it would make no interval more. */
  hasNeighbour({ epoch, sequence }: Position): boolean {
    const intervals = this.#epochs.get(epoch);
    return intervals !== undefined && (intervals.has(sequence - 1) || intervals.has(sequence + 1));
  }

  hasEpoch(epoch: number): boolean {
    return this.#epochs.has(epoch);
  }

  add({ epoch, sequence }: Position): void {
    this.addRange(epoch, sequence, sequence);
  }

  addRange(epoch: number, first: number, last: number): void {
    const intervals = this.#intervals(epoch);
    const before = intervals.count;
    intervals.addRange(first, last);
    this.#intervalCount += intervals.count - before;
  }

  addAll(positions: PositionSet): void {
    for (const [epoch, ranges] of positions.epochs()) {
      for (const [first, last] of ranges) this.addRange(epoch, first, last);
    }
  }

  /** Removes every position before `limit`: earlier epochs as a whole. */
  removeBelow(limit: Position): void {
    for (const [epoch, intervals] of this.#epochs) {
      if (epoch > limit.epoch) continue;
      this.#intervalCount -= intervals.count;
      intervals.removeBelow(epoch === limit.epoch ? limit.sequence : Infinity);
      this.#intervalCount += intervals.count;
      if (intervals.count === 0) this.#epochs.delete(epoch);
    }
  }

  /** The same positions, in a set of their own. */
  clone(): PositionSet {
    const copy = new PositionSet();
    for (const [epoch, intervals] of this.#epochs) copy.#epochs.set(epoch, intervals.clone());
    copy.#intervalCount = this.#intervalCount;
    return copy;
  }

  /** Flat lists of the first and last sequence of each range, per epoch. */
  bounds(): [epoch: number, bounds: number[]][] {
    return [...this.#epochs].map(([epoch, intervals]) => [epoch, intervals.bounds()]);
  }

  /** The positions as ranges that include both ends, per epoch. */
  *epochs(): Generator<[epoch: number, ranges: [first: number, last: number][]], void, undefined> {
    for (const [epoch, intervals] of this.#epochs) yield [epoch, [...intervals.ranges()]];
  }

  #intervals(epoch: number): Intervals {
    let intervals = this.#epochs.get(epoch);
    if (intervals === undefined) {
      intervals = new Intervals();
      this.#epochs.set(epoch, intervals);
    }
    return intervals;
  }
}
