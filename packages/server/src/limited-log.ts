import type { Log } from '@k2hft/config';

/** Lines that may come at once, and one more so often after them. */
const BURST = 30;
const REFILL_MS = 2000;

/**
 * A log for what anybody can cause who reaches the port: so many lines, and then how many more there would have been.
 * Otherwise whoever connects again and again would fill the disk.
 */
export function limitLog(log: Log, nowMs: () => number = () => performance.now()): Log {
  let left = BURST;
  let filledAtMs = nowMs();
  let omitted = 0;
  return (level, message) => {
    const refill = Math.floor((nowMs() - filledAtMs) / REFILL_MS);
    left = Math.min(BURST, left + refill);
    filledAtMs += refill * REFILL_MS;
    if (left === 0) {
      omitted++;
      return;
    }
    left--;
    if (omitted > 0)
      log('warn', `${omitted} more lines about connections that were not accepted were left out`);
    omitted = 0;
    log(level, message);
  };
}
