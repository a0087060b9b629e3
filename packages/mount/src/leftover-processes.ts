import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, signalProcess } from './mount-registry.js';

const FILE_NAME = 'processes.json';
const POLL_MS = 10;
/** SIGKILL takes effect at once unless the process is inside a system call that cannot be interrupted. */
const GONE_WITHIN_MS = 5_000;

/** Notes the children of this mount, so that the next one on the same queue can make sure that they are gone. */
export function noteProcesses(queueDir: string, pids: readonly number[]): void {
  const path = join(queueDir, FILE_NAME);
  try {
    writeFileSync(`${path}.new`, JSON.stringify(pids), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {
    // On a full disk the children still end with their supervisor; this is for those that cannot, being frozen.
  }
}

/**
 * Kills what an earlier mount on this queue has left: children end with their supervisor, but a frozen one does so
 * only when it is woken, and would then write beside ours. To be called with the queue's lock held.
 */
export async function endLeftovers(queueDir: string): Promise<void> {
  const deadlineMs = performance.now() + GONE_WITHIN_MS;
  for (const pid of notedProcesses(queueDir)) {
    if (!isOurs(pid)) continue;
    signalProcess(pid, 'SIGKILL');
    while (isAlive(pid) && performance.now() < deadlineMs) await sleep(POLL_MS);
  }
}

function notedProcesses(queueDir: string): number[] {
  try {
    const noted: unknown = JSON.parse(readFileSync(join(queueDir, FILE_NAME), 'utf8'));
    return Array.isArray(noted) ? noted.filter((pid): pid is number => Number.isInteger(pid)) : [];
  } catch {
    return [];
  }
}

/** A process id may belong to somebody else by now. */
function isOurs(pid: number): boolean {
  try {
    return /(worker|forwarder)-main\.js/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}
