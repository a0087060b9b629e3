import { FuseError, type AttributeChanges } from '@k2hft/fuse';
import { FILE_TYPE, isDirectoryMode, isRegularMode, PERMISSIONS } from './attributes.js';
import { resizeTail } from './tail-content.js';
import type { TailRings } from './tail-rings.js';
import type { VirtualNode } from './virtual-node-rows.js';
import { presentTime, type VirtualNodes } from './virtual-nodes.js';

/** Positions are numbers here; beyond this they would not be exact any more. It is 8 PiB. */
export const FILE_BYTES_MAX = Number.MAX_SAFE_INTEGER;

/** Changes what stat(2) shows of a node. Whether the caller may, the kernel has decided. */
export function changeAttributes(
  nodes: VirtualNodes,
  rings: TailRings,
  node: VirtualNode,
  changes: AttributeChanges,
): void {
  const now = presentTime();
  const { mode, uid, gid, sizeBytes, atime, mtime } = changes;
  if (sizeBytes !== undefined) {
    resize(rings, node, sizeBytes);
    node.mtime = now;
  }
  if (atime !== undefined) node.atime = atime === 'now' ? now : atime;
  if (mtime !== undefined) node.mtime = mtime === 'now' ? now : mtime;
  node.ctime = now;
  nodes.saveContent(node);
  if (mode === undefined && uid === undefined && gid === undefined) return;
  if (mode !== undefined) node.mode = (node.mode & FILE_TYPE) | (mode & PERMISSIONS);
  node.uid = uid ?? node.uid;
  node.gid = gid ?? node.gid;
  nodes.save(node);
}

function resize(rings: TailRings, node: VirtualNode, sizeBytes: number): void {
  if (isDirectoryMode(node.mode)) throw new FuseError('EISDIR');
  if (!isRegularMode(node.mode)) throw new FuseError('EINVAL');
  if (sizeBytes > FILE_BYTES_MAX) throw new FuseError('EFBIG');
  resizeTail(rings, node, sizeBytes);
}
