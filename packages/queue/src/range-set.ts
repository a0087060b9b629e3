/** No sequence is larger: ranges that end here reach to the end of their epoch. */
export const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER;

export type Range = readonly [first: number, last: number];

/** A set of whole numbers as sorted ranges that neither touch nor overlap. */
export class RangeSet {
  private readonly firsts: number[] = [];
  private readonly lasts: number[] = [];

  constructor(ranges: Iterable<Range> = []) {
    for (const [first, last] of ranges) this.add(first, last);
  }

  get isEmpty(): boolean {
    return this.firsts.length === 0;
  }

  get rangeCount(): number {
    return this.firsts.length;
  }

  add(first: number, last: number): void {
    if (last < first) return;
    // The ranges from `from` up to and without `to` touch the new one and melt into it.
    const from = this.indexOfLastAtLeast(first - 1);
    let to = from;
    while (to < this.firsts.length && this.firstAt(to) <= last + 1) to++;
    if (to > from) {
      first = Math.min(first, this.firstAt(from));
      last = Math.max(last, this.lastAt(to - 1));
    }
    this.firsts.splice(from, to - from, first);
    this.lasts.splice(from, to - from, last);
  }

  has(value: number): boolean {
    const index = this.indexOfLastAtLeast(value);
    return index < this.firsts.length && this.firstAt(index) <= value;
  }

  covers(first: number, last: number): boolean {
    const index = this.indexOfLastAtLeast(first);
    return index < this.firsts.length && this.firstAt(index) <= first && this.lastAt(index) >= last;
  }

  /** The smallest number from `value` on that is not in the set; above SEQUENCE_MAX when there is none. */
  nextMissing(value: number): number {
    const index = this.indexOfLastAtLeast(value);
    return index < this.firsts.length && this.firstAt(index) <= value ? this.lastAt(index) + 1 : value;
  }

  /** How many numbers from `first` to `last` are in the set. */
  countWithin(first: number, last: number): number {
    let count = 0;
    for (const [from, to] of this.within(first, last)) count += to - from + 1;
    return count;
  }

  /** The parts of the set from `first` to `last`. */
  *within(first: number, last: number): Generator<Range> {
    for (let index = this.indexOfLastAtLeast(first); index < this.firsts.length; index++) {
      if (this.firstAt(index) > last) return;
      yield [Math.max(first, this.firstAt(index)), Math.min(last, this.lastAt(index))];
    }
  }

  /** The parts from `first` to `last` that are not in the set. */
  *missingWithin(first: number, last: number): Generator<Range> {
    let next = first;
    for (const [from, to] of [...this.within(first, last)]) {
      if (from > next) yield [next, from - 1];
      next = to + 1;
    }
    if (next <= last) yield [next, last];
  }

  removeBelow(value: number): void {
    const index = this.indexOfLastAtLeast(value);
    this.firsts.splice(0, index);
    this.lasts.splice(0, index);
    if (this.firsts.length > 0 && this.firstAt(0) < value) this.firsts[0] = value;
  }

  *ranges(): Generator<Range> {
    for (let index = 0; index < this.firsts.length; index++) yield [this.firstAt(index), this.lastAt(index)];
  }

  /** The first range that ends at `value` or behind it. */
  private indexOfLastAtLeast(value: number): number {
    let low = 0;
    let high = this.lasts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastAt(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private firstAt(index: number): number {
    return this.firsts[index] ?? SEQUENCE_MAX;
  }

  private lastAt(index: number): number {
    return this.lasts[index] ?? SEQUENCE_MAX;
  }
}
