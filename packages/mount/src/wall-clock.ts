/**
 * Wall-clock time finer than a millisecond without a system call: the monotonic clock plus an offset that is
 * taken again on every tick, so that a corrected system clock is followed within a second.
 */
export class WallClock {
  private offsetMs = Date.now() - performance.now();

  /** Milliseconds since 1970 with a fraction. */
  nowMs(): number {
    return this.offsetMs + performance.now();
  }

  synchronize(): void {
    this.offsetMs = Date.now() - performance.now();
  }
}
