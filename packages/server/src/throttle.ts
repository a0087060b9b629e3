/**
 * How fast bytes may come. They are taken as they come and paid for afterwards, so a message is never refused for its
 * length; what was not used in the last second may be used at once.
 */
export class Throttle {
  #debtBytes = 0;
  #paidAtMs = 0;

  /** Takes `bytes` at `nowMs`, and says how long nothing more should be read. A rate of 0 is none. */
  take(bytes: number, bytesPerSecond: number, nowMs: number): number {
    if (bytesPerSecond === 0) {
      this.#debtBytes = 0;
      return 0;
    }
    const paidBytes = ((nowMs - this.#paidAtMs) / 1000) * bytesPerSecond;
    this.#paidAtMs = nowMs;
    this.#debtBytes = Math.max(-bytesPerSecond, this.#debtBytes - paidBytes) + bytes;
    return Math.max(0, (this.#debtBytes / bytesPerSecond) * 1000);
  }
}
