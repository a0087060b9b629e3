import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for `work`, but not longer than `limitMs`. */
export async function atMost(limitMs: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    await Promise.race([work, limit]);
  } finally {
    timer.abort();
  }
}
