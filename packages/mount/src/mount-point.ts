import { statSync } from 'node:fs';
import { MountError, findMount, fuseUnmount } from '@k2hft/fuse';
import type { Log } from '@k2hft/config';

/** How the mount shows itself in /proc/mounts. */
export const FILE_SYSTEM_TYPE = 'fuse.k2hft';

/** How often a busy mount point is tried again while the supervisor wants to end. */
const BUSY_RETRY_MS = 200;

/**
 * Makes sure that a directory can be mounted on. A mount of ours whose processes were all killed is still there and answers nothing: it is taken
 * away. Throws MountError.
 */
export async function prepareMountPoint(mountPoint: string, log: Log): Promise<void> {
  const mounted = await findMount(mountPoint);
  if (mounted?.type === FILE_SYSTEM_TYPE) {
    if (mounted.state === 'answers') {
      throw new MountError(
        'busy',
        `${mountPoint} is mounted by k2hft already: k2hft umount ${mountPoint} ends that`,
      );
    }
    log('warn', `taking away the dead mount that an earlier k2hft left on ${mountPoint}`);
    await fuseUnmount(mountPoint, { lazy: true, force: true });
  }
  let isDirectory: boolean;
  try {
    isDirectory = statSync(mountPoint).isDirectory();
  } catch (error) {
    throw new MountError('not_a_directory', `cannot mount on ${mountPoint}: ${(error as Error).message}`);
  }
  if (!isDirectory)
    throw new MountError('not_a_directory', `cannot mount on ${mountPoint}: it is no directory`);
}

/**
 * Takes our mount away. One that programs still use is tried until the deadline, then detached: new opens no longer reach it.
 * Returns whether it was. `deadlineMs` is a time of performance.now().
 */
export async function leaveMountPoint(mountPoint: string, deadlineMs: number, log: Log): Promise<boolean> {
  for (;;) {
    try {
      await fuseUnmount(mountPoint, {});
      return false;
    } catch (error) {
      if (!(error instanceof MountError)) throw error;
      if (!(await isMounted(mountPoint))) return false;
      if (error.code !== 'busy' || performance.now() > deadlineMs) {
        log('warn', `${error.message}; detaching it`);
        await fuseUnmount(mountPoint, { lazy: true }).catch((failure: unknown) => {
          log('error', `cannot detach ${mountPoint}: ${String(failure)}`);
        });
        return true;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
  }
}

/** Whether a mount of ours stands there. */
export async function isMounted(mountPoint: string): Promise<boolean> {
  return (await findMount(mountPoint))?.type === FILE_SYSTEM_TYPE;
}
