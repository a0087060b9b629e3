import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { defaultStatusSocket } from './mount-registry.js';

/** How the last reading of a mount's configuration ended: what `k2hft reload` waits for. */
export interface ReloadOutcome {
  /** When it began: CLOCK_MONOTONIC, which all processes share, in nanoseconds. */
  begunNs: string;
  /** False: refused, nothing has changed. */
  done: boolean;
  /** Why it was refused, or what else is to be said. */
  messages: string[];
}

export function nowNs(): bigint {
  return process.hrtime.bigint();
}

/** Only its owner may read it: reasons quote the configuration. Throws a system error. */
export function writeReloadOutcome(mountPoint: string, outcome: ReloadOutcome): void {
  const path = outcomePath(mountPoint);
  writeFileSync(`${path}.new`, JSON.stringify(outcome), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined: there is none that began after `sinceNs`. */
export function readReloadOutcome(mountPoint: string, sinceNs: bigint): ReloadOutcome | undefined {
  try {
    const outcome = JSON.parse(readFileSync(outcomePath(mountPoint), 'utf8')) as ReloadOutcome;
    return BigInt(outcome.begunNs) > sinceNs ? outcome : undefined;
  } catch {
    return undefined;
  }
}

export function forgetReloadOutcome(mountPoint: string): void {
  try {
    rmSync(outcomePath(mountPoint), { force: true });
  } catch {
    // The folder may be read-only: then there is none.
  }
}

function outcomePath(mountPoint: string): string {
  return defaultStatusSocket(mountPoint).replace(/\.sock$/, '.reload.json');
}
