import type { Log, MountSettings } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import { CopyComplaints } from './copy-complaints.js';
import { CopyFiles } from './copy-files.js';
import { CopyOpener } from './copy-opener.js';
import { ownMountPoints } from './copy-place.js';
import { CopyRouter } from './copy-router.js';
import { isQueueFull, type MountQueue } from './mount-queue.js';
import type { RuleFinder } from './rules.js';

export interface CopiesOptions {
  readonly settings: MountSettings;
  readonly mountPoint: string;
  readonly findRule: RuleFinder;
  /** The directory below an overlay, held open; undefined in a virtual mount. */
  readonly below: ByteString | undefined;
  /** The process's own, where the settings name none. */
  readonly umask: number;
  readonly queue: MountQueue;
  readonly log: Log;
}

export interface Copies {
  readonly router: CopyRouter;
  readonly files: CopyFiles;
}

/** Undefined when no rule has copies. */
export function openCopies(options: CopiesOptions): Copies | undefined {
  const { settings, mountPoint, findRule, below, queue, log } = options;
  if (settings.rules.every(({ copyTo }) => copyTo === undefined)) return undefined;
  const files = new CopyFiles({
    opener: new CopyOpener(ownMountPoints(mountPoint), settings.mount.umask ?? options.umask),
    stored: queue,
    store: (key, value) => storeRow(queue, key, value),
    complaints: new CopyComplaints(log),
    nowMs: () => performance.now(),
  });
  return { files, router: new CopyRouter({ files, findRule, mountPoint, below, log }) };
}

function storeRow(queue: MountQueue, key: string, value: Buffer): boolean {
  try {
    queue.append([], new Map([[key, value]]));
    return true;
  } catch (error) {
    if (!isQueueFull(error)) throw error;
    return false;
  }
}
