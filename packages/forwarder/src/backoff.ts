/** Doubling beyond this changes nothing for any sensible pair of limits and would overflow. */
const DOUBLINGS_MAX = 20;

/**
 * How long to wait before connecting again, in milliseconds: doubling from `minMs` with each failed attempt up to
 * `maxMs`, of which half is left to chance, so that sources which lost a server together do not return together.
 *
 * @param attempt failures before this one, from 0
 * @param random from 0 to below 1
 */
export function backoffMs(attempt: number, minMs: number, maxMs: number, random: number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(attempt, DOUBLINGS_MAX));
  return full / 2 + (full / 2) * random;
}
