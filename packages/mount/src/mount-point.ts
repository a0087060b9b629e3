import { statSync } from 'node:fs';
import { MountError, findMount, fuseUnmount } from '@k2hft/fuse';
import type { Log } from '@k2hft/config';

/** How the mount shows itself in /proc/mounts. */
export const FILE_SYSTEM_TYPE = 'fuse.k2hft';

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
