import { FuseError, type ByteString } from '@k2hft/fuse';
import { checkName, ROOT_ID, type Link } from './nodes-names.js';
import type { OverlayNode } from './overlay-node-rows.js';

export const HIDDEN_NAME = '.k2hft-hidden';

/** Names that belong to the mount itself: for programs they do not exist. */
export function isHiddenName(name: ByteString): boolean {
  return name.startsWith(HIDDEN_NAME);
}

/** Throws ENOENT for a name that does not exist for programs. */
export function checkVisible(name: ByteString): void {
  checkName(name);
  if (isHiddenName(name)) throw new FuseError('ENOENT');
}

/** Throws EPERM for a name that programs may not give. */
export function checkCreatable(name: ByteString): void {
  checkName(name);
  if (isHiddenName(name)) throw new FuseError('EPERM');
}

/** The place below the root, in the directory for such files. */
export function hiddenBelowRoot(nodeId: number): Link {
  return { parent: ROOT_ID, name: `${HIDDEN_NAME}/${nodeId}` };
}

/** The place in the file's own directory, for a file on another device than the root. */
export function hiddenBeside(nodeId: number, parent: number): Link {
  return { parent, name: `${HIDDEN_NAME}-${nodeId}` };
}

/**
 * Where a file with open handles may wait for its last close. A worker that was killed right after it hid a file has stored
 * nothing of it, so all places count.
 */
export function hiddenPlaces(node: OverlayNode): Link[] {
  if (node.hidden !== undefined) return [node.hidden];
  if (node.handles === 0 || node.directory) return [];
  return [hiddenBelowRoot(node.id), ...node.links.map(({ parent }) => hiddenBeside(node.id, parent))];
}
