/** What is known of what came from a source. */
export interface Arrivals {
  /** When its newest batch came, in milliseconds since 1970; undefined: none has. */
  readonly lastAtMs: number | undefined;
  /** How long before that it was written, by the two clocks. */
  readonly lagMs: number | undefined;
}

/** What came longer ago says nothing about now: the source may have nothing to send. */
const CURRENT_MS = 10_000;

/**
 * By how much what comes from a source is late, at the least: the age that its newest batch had when it came, or has now
 * when it is not safe yet. Null when nothing has come lately and nothing waits here.
 */
export function lagNow(
  { lastAtMs, lagMs }: Arrivals,
  unacknowledgedBatches: number,
  nowMs: number,
): number | null {
  if (lastAtMs === undefined || lagMs === undefined) return null;
  const sinceMs = Math.max(0, nowMs - lastAtMs);
  if (unacknowledgedBatches > 0) return lagMs + sinceMs;
  return sinceMs <= CURRENT_MS ? lagMs : null;
}
