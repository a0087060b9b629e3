/** Seconds on CLOCK_MONOTONIC, which is the same for all processes of a machine. */
export function nowSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}

const neverNotified = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this whole process; unlike a timer, it takes fractions of a millisecond. */
export function pauseMs(durationMs: number): void {
  if (durationMs > 0) Atomics.wait(neverNotified, 0, 0, durationMs);
}
