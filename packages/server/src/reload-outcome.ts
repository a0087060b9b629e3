import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How the last reading of the configuration ended: what `k2hft-svr reload` waits for. */
export interface ReloadOutcome {
  /** When it began: CLOCK_MONOTONIC, which all processes share, in nanoseconds. */
  begunNs: string;
  /** Why it was refused; empty: it is in force. */
  reasons: string[];
}

/** Only its owner may read it: reasons quote the configuration. Throws a system error. */
export function writeReloadOutcome(stateDirectory: string, outcome: ReloadOutcome): void {
  const path = outcomePath(stateDirectory);
  writeFileSync(`${path}.new`, JSON.stringify(outcome), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined: there is none that began after `sinceNs`. */
export function readReloadOutcome(stateDirectory: string, sinceNs: bigint): ReloadOutcome | undefined {
  try {
    const outcome = JSON.parse(readFileSync(outcomePath(stateDirectory), 'utf8')) as ReloadOutcome;
    return BigInt(outcome.begunNs) > sinceNs ? outcome : undefined;
  } catch {
    return undefined;
  }
}

function outcomePath(stateDirectory: string): string {
  return join(stateDirectory, 'reload.json');
}
