import { FuseError, type AttributeChanges, type Timestamp } from '@k2hft/fuse';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  utimesSync,
  type BigIntStats,
} from 'node:fs';
import { PERMISSIONS, timestampOf } from './attributes.js';
import type { HandleTable } from './handles.js';
import type { OverlayNode } from './overlay-node-rows.js';
import type { OverlayOpenFiles } from './overlay-open-files.js';
import { descriptorPath, pathBytes, type OverlayPaths } from './overlay-paths.js';

const UNCHANGED = -1;
const NANOS_PER_MICRO = 1000;
const MICROS_PER_SECOND = 1e6;

/** Reads and changes what stat(2) shows of the files below. */
export class OverlayAttributes {
  constructor(
    private readonly handles: HandleTable,
    private readonly files: OverlayOpenFiles,
    private readonly paths: OverlayPaths,
  ) {}

  stat(node: OverlayNode, handleId?: number): BigIntStats {
    const handle = handleId === undefined ? undefined : this.handles.find(handleId);
    if (handle?.directory === false && handle.nodeId === node.id) {
      return fstatSync(this.files.descriptor(handle.id), { bigint: true });
    }
    const found = this.paths.search(node);
    if (found !== undefined) return found.stat;
    const fd = this.files.anyDescriptor(node);
    return fd === undefined ? this.paths.locate(node).stat : fstatSync(fd, { bigint: true });
  }

  change(node: OverlayNode, changes: AttributeChanges): void {
    const { uid, gid, mode, sizeBytes, atime, mtime } = changes;
    const onlySize = [uid, gid, mode, atime, mtime].every((value) => value === undefined);
    if (sizeBytes !== undefined) this.truncate(node, sizeBytes, changes.handle);
    if (onlySize) return;
    this.within(node, (path, stat) => {
      if (uid !== undefined || gid !== undefined) {
        chownSync(pathBytes(path), uid ?? UNCHANGED, gid ?? UNCHANGED);
      }
      // After the owner, whose change clears the set-id bits.
      if (mode !== undefined) chmodSync(pathBytes(path), mode & PERMISSIONS);
      if (atime !== undefined || mtime !== undefined) {
        utimesSync(pathBytes(path), timeOf(atime, stat.atimeNs), timeOf(mtime, stat.mtimeNs));
      }
    });
  }

  private truncate(node: OverlayNode, sizeBytes: number, handleId: number | undefined): void {
    const handle = handleId === undefined ? undefined : this.handles.find(handleId);
    if (handle?.directory === false && handle.nodeId === node.id) {
      ftruncateSync(this.files.descriptor(handle.id), sizeBytes);
      return;
    }
    this.within(node, (path, stat) => {
      if (stat.isDirectory()) throw new FuseError('EISDIR');
      if (!stat.isFile()) throw new FuseError('EINVAL');
      const fd = openSync(pathBytes(path), constants.O_WRONLY);
      try {
        ftruncateSync(fd, sizeBytes);
      } finally {
        closeSync(fd);
      }
    });
  }

  /** As OverlayPaths.pinned, and also for an open file that somebody has removed from outside. */
  private within(node: OverlayNode, use: (path: string, stat: BigIntStats) => void): void {
    const fd = this.paths.search(node) === undefined ? this.files.anyDescriptor(node) : undefined;
    if (fd === undefined) this.paths.pinned(node, use);
    else use(descriptorPath(fd), fstatSync(fd, { bigint: true }));
  }
}

/**
 * Seconds as Node takes them. Node hands times on as floating-point seconds and cuts them to microseconds, so finer parts are
 * lost, also those of the one of the two times that is not to change: utimes(2) knows no "leave it" here.
 */
function timeOf(change: Timestamp | 'now' | undefined, presentNs: bigint): number | Date {
  if (change === 'now') return Date.now() / 1000;
  const { seconds, nanos } = change ?? timestampOf(presentNs);
  // Node takes a negative number for the present time. A date may be before 1970, to the second.
  if (seconds < 0) return new Date(seconds * 1000);
  // Half a microsecond more, so that the cut never lands one too low.
  return seconds + (Math.floor(nanos / NANOS_PER_MICRO) + 0.5) / MICROS_PER_SECOND;
}
