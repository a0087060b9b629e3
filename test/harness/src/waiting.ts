/** Resolves after `delayMs` milliseconds. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

const POLL_MS = 10;

/** Some hundred times what anything that is waited for takes on a machine that has nothing else to do: no test may fail because one is busy. */
export const WAIT_MS_MAX = 240_000;

/** Of the time between two polls no more counts: when this process stood still, nobody has failed to do anything. */
const STEP_MS_MAX = 1_000;

/** As it is before a test puts another clock in its place. */
const nowMs = performance.now.bind(performance);

/**
 * Polls until `condition` holds. Throws with `what` when it does not hold within `limitMs`, the time left out in which this process
 * itself stood still: a test that waits must say what it was waiting for.
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = WAIT_MS_MAX,
): Promise<void> {
  let waitedMs = 0;
  let polledMs = nowMs();
  while (!(await condition())) {
    if (waitedMs > limitMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await sleep(POLL_MS);
    waitedMs += Math.min(nowMs() - polledMs, STEP_MS_MAX);
    polledMs = nowMs();
  }
}
