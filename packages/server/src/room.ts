import { statfsSync } from 'node:fs';

/**
 * Room that must be free before the state is opened or written. LMDB maps its lock file, and the process dies of SIGBUS
 * when there is no room for it; a commit writes some pages, which are seldom more than a few and reused later.
 */
export const STATE_RESERVE_BYTES = 1024 * 1024;

/** Bytes that this user may still write to the file system of `directory`. Quotas are not in this figure. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
