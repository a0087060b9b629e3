const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** From Thursday, 1 January 1970 back to a Monday: weeks begin on Mondays. */
const MONDAY_MS = -3 * 24 * HOUR_MS;

/**
 * When the period that `now` lies in has begun, in milliseconds since 1970. Days begin at local midnight, hours at
 * full hours, and other periods at their multiples since 1970 as the local clock counts, weeks on a Monday.
 */
export function periodStart(everyMs: number, now: Date): number {
  const offsetMs = -now.getTimezoneOffset() * 60_000;
  if (everyMs <= HOUR_MS) {
    // The hour that the clock shows twice in autumn is two hours.
    const shiftMs = offsetMs % HOUR_MS;
    return floorTo(now.getTime() + shiftMs, everyMs, 0) - shiftMs;
  }
  const local = floorTo(now.getTime() + offsetMs, everyMs, everyMs % WEEK_MS === 0 ? MONDAY_MS : 0);
  return Math.min(toInstant(local), now.getTime());
}

function floorTo(value: number, step: number, origin: number): number {
  return Math.floor((value - origin) / step) * step + origin;
}

/** The moment when the local clock shows what `local` is in UTC: the offset may be another one than now. */
function toInstant(local: number): number {
  const shown = new Date(local);
  return new Date(
    shown.getUTCFullYear(),
    shown.getUTCMonth(),
    shown.getUTCDate(),
    shown.getUTCHours(),
    shown.getUTCMinutes(),
    shown.getUTCSeconds(),
    shown.getUTCMilliseconds(),
  ).getTime();
}
