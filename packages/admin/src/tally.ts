/** Upper bounds, in seconds, for what takes a disk or another process to answer. */
export const DISK_SECONDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Upper bounds, in seconds, for what is answered from memory as a rule: finer where a single write is. */
export const CALL_SECONDS: readonly number[] = [
  0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.25, 1, 5, 30,
];

/** Counts amounts by their size, for a histogram; plain data, so that it can go into a report. */
export class Tally {
  /** How many were at most `bounds[index]` and above the bound before it; the last: above all. */
  readonly counts: number[];
  sum = 0;

  /** @param bounds rising */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = bounds.map(() => 0);
    this.counts.push(0);
  }

  add(amount: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && amount > (bounds[index] ?? Infinity)) index++;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += amount;
  }

  toJSON(): { counts: number[]; sum: number } {
    return { counts: this.counts, sum: this.sum };
  }
}
