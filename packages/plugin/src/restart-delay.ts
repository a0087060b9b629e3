import type { PluginTuning } from './tuning.js';

/** Doubling beyond this changes nothing for any sensible pair of limits and would overflow. */
const DOUBLINGS_MAX = 20;

/** How long to wait before a plugin that ended is started again: ever longer while it does not last. */
export class RestartDelay {
  private failures = 0;

  constructor(
    private readonly tuning: Pick<PluginTuning, 'backoffMinMs' | 'backoffMaxMs' | 'provenAfterMs'>,
    private readonly random: () => number = Math.random,
  ) {}

  /** Milliseconds; at least half of the full wait. `ranMs`: how long the process lived, 0 when it was never started. */
  next(ranMs: number): number {
    const { backoffMinMs, backoffMaxMs, provenAfterMs } = this.tuning;
    if (ranMs >= provenAfterMs) this.failures = 0;
    const fullMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.failures, DOUBLINGS_MAX));
    this.failures++;
    return fullMs / 2 + (fullMs / 2) * this.random();
  }
}
