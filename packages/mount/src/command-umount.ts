import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitStatus } from '@k2hft/config';
import { findMount, fuseUnmount } from '@k2hft/fuse';
import { CommandError } from './failure.js';
import { FILE_SYSTEM_TYPE } from './mount-point.js';
import { isAlive, registeredMounts, signalProcess, type RegisteredMount } from './mount-registry.js';

const POLL_MS = 50;
/** Longer than any shutdown that the default settings allow. */
const WAIT_MS = 60_000;

/** `k2hft umount POINT`: asks the supervisor to end and waits for it; a dead mount is taken away. */
export async function runUmount(point: string): Promise<void> {
  const mountPoint = resolve(point);
  const registered = registeredOn(mountPoint);
  if (registered === undefined) {
    await removeDead(mountPoint);
    return;
  }
  signalProcess(registered.supervisorPid, 'SIGTERM');
  await untilEnded(registered);
}

/** The running mount on this very path. */
export function registeredOn(mountPoint: string): RegisteredMount | undefined {
  return registeredMounts().find((mount) => mount.mountPoint === mountPoint);
}

/** Waits until the processes of a mount that is going away have ended. Throws CommandError after a minute. */
export async function untilEnded({ mountPoint, supervisorPid }: RegisteredMount): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (isAlive(supervisorPid)) {
    if (performance.now() > deadlineMs) {
      throw new CommandError(
        ExitStatus.UNAVAILABLE,
        `process ${supervisorPid} still serves ${mountPoint}: see its log`,
      );
    }
    await sleep(POLL_MS);
  }
}

async function removeDead(mountPoint: string): Promise<void> {
  const mounted = await findMount(mountPoint);
  if (mounted?.type !== FILE_SYSTEM_TYPE) {
    throw new CommandError(
      ExitStatus.UNAVAILABLE,
      `${mountPoint} is no mount of k2hft; k2hft status lists them`,
    );
  }
  await fuseUnmount(mountPoint, mounted.state === 'answers' ? {} : { lazy: true, force: true });
}
