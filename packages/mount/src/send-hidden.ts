import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ExitStatus } from '@k2hft/config';
import { findMount, fuseUnmount } from '@k2hft/fuse';
import { CommandError } from './failure.js';
import { FILE_SYSTEM_TYPE } from './mount-point.js';
import type { SendPlan } from './send-session.js';

/*
 * What lies below a mount point while something is mounted there can be reached by a process that has mounts of its
 * own: it takes the mount away for itself alone. unshare(1) makes such a process, with mounts that pass nothing on;
 * it checks that before it unmounts anything, since it would else be the real mount that goes.
 */
const PROGRAM = fileURLToPath(new URL('./send-main.js', import.meta.url));
const OWN_MOUNTS = '/proc/self/ns/mnt';
/** Mounts that lie on one another: more would be a fault of another kind. */
const LAYERS_MAX = 16;

/** What the process with mounts of its own is told. */
export interface HiddenSend {
  readonly plan: SendPlan;
  /** Names the mounts that it must not touch. */
  readonly mountsOfOthers: string;
}

/** Carries out the plan in a process that sees what the mount hides. Resolves with its exit status. */
export function sendUncovered(plan: SendPlan, stop: AbortSignal): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new CommandError(
      ExitStatus.NOT_PERMITTED,
      `${plan.mountPoint} is mounted, and what it hides only root can reach: run k2hft send as root (sudo)`,
    );
  const child = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', '--', process.execPath, ...process.execArgv, PROGRAM],
    { cwd: '/', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const what = `cannot start unshare(1), of util-linux, to reach what the mount hides: ${error.message}`;
      reject(new CommandError(ExitStatus.UNAVAILABLE, what));
    });
    child.once('exit', (status) => {
      resolve(status ?? ExitStatus.FAULT);
    });
    stop.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    const message: HiddenSend = { plan, mountsOfOthers: readlinkSync(OWN_MOUNTS) };
    child.send(message, () => undefined);
  });
}

/** Takes the mount away for this process. Throws CommandError when that would take it away for others too. */
export async function uncover({ plan, mountsOfOthers }: HiddenSend): Promise<void> {
  if (readlinkSync(OWN_MOUNTS) === mountsOfOthers || sharesMounts())
    throw new CommandError(
      ExitStatus.UNAVAILABLE,
      'unshare(1) did not give this process mounts of its own: unmount first, then send',
    );
  for (let layer = 0; layer < LAYERS_MAX; layer++) {
    if ((await findMount(plan.mountPoint))?.type !== FILE_SYSTEM_TYPE) return;
    await fuseUnmount(plan.mountPoint, { lazy: true });
  }
}

/** Optional fields of a line: see proc_pid_mountinfo(5). */
function sharesMounts(): boolean {
  return readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .some((line) => / shared:\d+/.test(line.split(' - ')[0] ?? ''));
}
