import { spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder, undoAtEnd } from '@k2hft/test-harness';

/** Mounts a small tmpfs; undefined, and the test skipped, where that is not possible. */
export function smallDisk(context: TestContext, sizeMiB: number): string | undefined {
  const folder = join(temporaryFolder(context), 'disk');
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'k2hft-test', folder]);
  if (mounted.status !== 0) {
    context.skip('a small tmpfs can only be mounted by root');
    return undefined;
  }
  undoAtEnd(context, () => {
    spawnSync('umount', ['--lazy', folder]);
  });
  return folder;
}

/** Leaves so much room; returns the file to remove. */
export function fill(folder: string, leaveBytes: number): string {
  const file = join(folder, 'filler');
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
  return file;
}
