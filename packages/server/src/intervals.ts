/**
 * A set of whole numbers, kept as ascending intervals that neither overlap nor touch. Numbers that arrive in
 * ascending order, which is nearly always, cost no search and no memory.
 */
export class Intervals {
  /** first, last, first, last, … */
  #bounds: number[] = [];

  static from(ranges: Iterable<readonly [first: number, last: number]>): Intervals {
    const intervals = new Intervals();
    for (const [first, last] of ranges) intervals.addRange(first, last);
    return intervals;
  }

  /** The same numbers, in a set of their own. */
  clone(): Intervals {
    const copy = new Intervals();
    copy.#bounds = this.#bounds.slice();
    return copy;
  }

  /** first, last, first, last, … */
  bounds(): number[] {
    return this.#bounds.slice();
  }

  /** How many intervals there are. */
  get count(): number {
    return this.#bounds.length / 2;
  }

  has(value: number): boolean {
    const index = this.#indexOfLastFrom(value);
    return index < this.#bounds.length && this.#at(index - 1) <= value;
  }

  add(value: number): void {
    this.addRange(value, value);
  }

  /** Adds all numbers from `first` to `last`, both included. */
  addRange(first: number, last: number): void {
    const bounds = this.#bounds;
    const end = bounds.length;
    if (end > 0 && first === this.#at(end - 1) + 1) {
      bounds[end - 1] = last;
      return;
    }
    if (end === 0 || first > this.#at(end - 1)) {
      bounds.push(first, last);
      return;
    }
    this.#merge(first, last);
  }

  /** Removes every number below `limit`. */
  removeBelow(limit: number): void {
    const bounds = this.#bounds;
    const index = this.#indexOfLastFrom(limit);
    bounds.splice(0, index - 1);
    if (bounds.length > 0 && this.#at(0) < limit) bounds[0] = limit;
  }

  *ranges(): Generator<[first: number, last: number], void, undefined> {
    for (let index = 0; index < this.#bounds.length; index += 2) yield [this.#at(index), this.#at(index + 1)];
  }

  #at(index: number): number {
    return this.#bounds[index] ?? NaN;
  }

  /** Index of the first interval's last number that is not below `value`: odd, beyond the end when there is none. */
  #indexOfLastFrom(value: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(2 * middle + 1) < value) low = middle + 1;
      else high = middle;
    }
    return 2 * low + 1;
  }

  /** Puts an interval in its place, together with those that it overlaps or touches. */
  #merge(first: number, last: number): void {
    const start = this.#indexOfLastFrom(first - 1) - 1;
    let end = start;
    let mergedFirst = first;
    let mergedLast = last;
    while (end < this.#bounds.length && this.#at(end) <= last + 1) {
      mergedFirst = Math.min(mergedFirst, this.#at(end));
      mergedLast = Math.max(mergedLast, this.#at(end + 1));
      end += 2;
    }
    this.#bounds.splice(start, end - start, mergedFirst, mergedLast);
  }
}
