import { statfsSync } from 'node:fs';
import type { QueueOptions } from './settings.js';

export interface DiskSpace {
  readonly totalBytes: number;
  /** To somebody without privileges: what is reserved for root is not counted. */
  readonly availableBytes: number;
}

export function diskSpace(folder: string): DiskSpace {
  const { bsize, blocks, bavail } = statfsSync(folder);
  return { totalBytes: blocks * bsize, availableBytes: bavail * bsize };
}

export function minFreeBytes(minFree: QueueOptions['minFree'], space: DiskSpace): number {
  return 'bytes' in minFree ? minFree.bytes : Math.ceil((space.totalBytes * minFree.percent) / 100);
}
