import { Intervals } from './intervals.js';

/** Where a batch stands in its source's queue; ordered by epoch, then by sequence. */
export interface Position {
  readonly epoch: number;
  readonly sequence: number;
}

/** A set of positions. */
export class PositionSet {
  readonly #epochs = new Map<number, Intervals>();

  get empty(): boolean {
    return this.#epochs.size === 0;
  }

  /** In how many intervals the positions lie: what the set costs. */
  get intervalCount(): number {
    let count = 0;
    for (const intervals of this.#epochs.values()) count += intervals.count;
    return count;
  }

  has(position: Position): boolean {
    return this.#epochs.get(position.epoch)?.has(position.sequence) ?? false;
  }

  add(position: Position): void {
    this.#intervals(position.epoch).add(position.sequence);
  }

  addRange(epoch: number, first: number, last: number): void {
    this.#intervals(epoch).addRange(first, last);
  }

  addAll(positions: PositionSet): void {
    for (const [epoch, ranges] of positions.epochs()) {
      for (const [first, last] of ranges) this.addRange(epoch, first, last);
    }
  }

  /** Removes every position before `limit`: earlier epochs as a whole. */
  removeBelow(limit: Position): void {
    for (const [epoch, intervals] of this.#epochs) {
      if (epoch === limit.epoch) intervals.removeBelow(limit.sequence);
      if (epoch < limit.epoch || intervals.count === 0) this.#epochs.delete(epoch);
    }
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
