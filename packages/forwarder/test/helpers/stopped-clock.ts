import type { TestContext } from 'node:test';

/** Time that passes when the test says so: for performance.now() and the timers that are named. */
export interface StoppedClock {
  /** Timers run in the order in which they are due, each at its own time. */
  pass(durationMs: number): void;
}

type Timers = 'setImmediate' | 'setInterval' | 'setTimeout';

/** To be called before the timers are made. It goes on when the test has ended. */
export function stopClock(context: TestContext, timers: Timers[]): StoppedClock {
  let nowMs = 1_000_000;
  context.mock.method(performance, 'now', () => nowMs);
  context.mock.timers.enable({ apis: timers });
  return {
    pass(durationMs) {
      // What is due at once.
      context.mock.timers.tick(0);
      for (let passedMs = 0; passedMs < durationMs; passedMs += 1) {
        nowMs += 1;
        context.mock.timers.tick(1);
      }
    },
  };
}
