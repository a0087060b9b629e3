import { readdirSync, readFileSync } from 'node:fs';
import { waitUntil } from './waiting.js';

/** Sends a signal to a process that may have ended by itself a moment ago; false when it has. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Stops a process. One on another processor goes on for a moment after it was sent the signal: resolves when no thread runs. */
export async function freezeProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await waitUntil(`process ${pid} stands still`, () => {
    const stats = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1'),
    );
    return stats.every((stat) => /^ [TtZX]/.test(stat.slice(stat.lastIndexOf(')') + 1)));
  });
}
