import type { BigIntStats } from 'node:fs';

/**
 * Says which file it is, whatever it is called: inode number and time of birth, which no later file with the same
 * inode number shares. Device numbers may change when the system starts again, so they count only where a file
 * system does not keep the time of birth.
 */
export function fileIdentity(stats: Pick<BigIntStats, 'dev' | 'ino' | 'birthtimeNs'>): string {
  if (stats.birthtimeNs > 0n) return `${stats.ino}:${stats.birthtimeNs}`;
  return `${stats.ino}:dev${stats.dev}`;
}

/** Whether an identity can be told from that of a later file with the same inode number. */
export function isLasting(identity: string): boolean {
  return !identity.includes(':dev');
}
