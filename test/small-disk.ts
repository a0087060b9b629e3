import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { undoAtEnd, type Cleanup } from '@k2hft/test-harness';

/** Mounts a small memory file system, so that a test can fill a disk. Needs root. */
export function mountSmallDisk(cleanup: Cleanup, folder: string, sizeMiB: number): void {
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder]);
  if (mounted.status !== 0) throw new Error(`cannot mount a tmpfs: ${mounted.stderr.toString()}`);
  undoAtEnd(cleanup, () => {
    spawnSync('umount', ['-l', folder]);
  });
}
