import { readFileSync } from 'node:fs';

/** Bit of SIGKILL in a signal mask of /proc. The kernel turns every signal that ends a process into it. */
const SIGKILL_BIT = 1n << 8n;

/** Whether a thread has a signal pending that will end it; also when it is gone. See proc_pid_status(5). */
export function isBeingKilled(pid: number): boolean {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return true;
  }
  const masks = [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)];
  return masks.some(([, mask]) => (BigInt(`0x${mask ?? '0'}`) & SIGKILL_BIT) !== 0n);
}
