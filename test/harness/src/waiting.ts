/** Resolves after `delayMs` milliseconds. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

const POLL_MS = 10;

/** Some hundred times what anything that is waited for takes on a machine that has nothing else to do: no test may fail because one is busy. */
export const WAIT_MS_MAX = 240_000;

/**
 * Polls until `condition` holds. Throws with `what` when it does not hold within `limitMs`: a test that waits
 * must say what it was waiting for.
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = WAIT_MS_MAX,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await sleep(POLL_MS);
  }
}
