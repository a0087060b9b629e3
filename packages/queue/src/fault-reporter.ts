import { QueueError } from './errors.js';
import { RETRY_MS } from './limits.js';
import type { Fault } from './settings.js';

/** Tells what went wrong once, and again when something else does. */
export class FaultReporter {
  private failedAtMs = -Infinity;
  private lastFault = '';

  constructor(private readonly onFault: Fault) {}

  readonly report = (error: unknown): void => {
    this.failedAtMs = performance.now();
    const code = error instanceof QueueError ? error.code : 'store_failed';
    const message = error instanceof Error ? error.message : String(error);
    if (`${code} ${message}` === this.lastFault) return;
    this.lastFault = `${code} ${message}`;
    this.onFault({ code, message });
  };

  /** It works again: the same fault is news when it comes back. */
  cleared(): void {
    this.lastFault = '';
  }

  /** So lately that a try at once would be in vain. */
  get failedLately(): boolean {
    return performance.now() - this.failedAtMs < RETRY_MS;
  }
}

/** What cannot be read just now is read later: tells the fault, and gives `otherwise`. Programmer errors are thrown on. */
export function attempt<T>(fault: (error: unknown) => void, look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    fault(error);
    return otherwise;
  }
}
