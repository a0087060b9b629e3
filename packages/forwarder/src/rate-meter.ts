/** Seconds that a rate is the mean of: short enough to follow, long enough not to flicker. */
const SECONDS = 10;

/** Sums per second over the last ten whole seconds, without a timer. */
export class RateMeter {
  readonly #sums = new Float64Array(SECONDS);
  readonly #stamps = new Float64Array(SECONDS).fill(-1);

  add(amount: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second % SECONDS;
    if (this.#stamps[slot] !== second) {
      this.#stamps[slot] = second;
      this.#sums[slot] = 0;
    }
    this.#sums[slot] = (this.#sums[slot] ?? 0) + amount;
  }

  perSecond(nowMs: number): number {
    const oldest = Math.floor(nowMs / 1000) - SECONDS;
    return (
      this.#sums.reduce((sum, value, slot) => sum + ((this.#stamps[slot] ?? -1) > oldest ? value : 0), 0) /
      SECONDS
    );
  }
}
