import { FuseError, type ByteString, type FuseRequest } from '@k2hft/fuse';
import { FILE_TYPE, inheritGroup, isDirectoryMode } from './attributes.js';
import type { Link } from './nodes-names.js';
import type { VirtualNode } from './virtual-node-rows.js';
import { presentTime, type VirtualNodes } from './virtual-nodes.js';

/** From <linux/fs.h>, for renameat2(2). */
const RENAME_NOREPLACE = 1;

/**
 * Gives names and takes them away. A change is in the rows as a whole or not at all, so a request that comes again
 * either finds nothing of it, or all of it, and then has nothing left to do.
 */
export class VirtualNames {
  constructor(private readonly nodes: VirtualNodes) {}

  find(parent: number, name: ByteString): VirtualNode | undefined {
    return this.nodes.directory(parent).children.get(name);
  }

  /** `mode` with the file type. Returns what is there when an earlier worker has made it. */
  make(request: FuseRequest, name: ByteString, mode: number, target?: Buffer): VirtualNode {
    const parent = this.livingDirectory(request.nodeId);
    const present = parent.children.get(name);
    if (present !== undefined) return madeBefore(request, present, mode, target);
    const fields = { uid: request.uid, ...inheritGroup(parent, { mode, gid: request.gid }) };
    const node = this.nodes.add(target === undefined ? fields : { ...fields, target });
    this.nodes.addLink(node, { parent: parent.id, name });
    this.touch(parent);
    return node;
  }

  link(request: FuseRequest, existing: VirtualNode, name: ByteString): void {
    const parent = this.livingDirectory(request.nodeId);
    if (isDirectoryMode(existing.mode)) throw new FuseError('EPERM');
    const present = parent.children.get(name);
    if (present !== undefined) {
      if (request.resent && present === existing) return;
      throw new FuseError('EEXIST');
    }
    if (existing.links.length === 0) throw new FuseError('ENOENT');
    this.nodes.addLink(existing, { parent: parent.id, name });
    this.changed(existing);
    this.touch(parent);
  }

  unlink(request: FuseRequest, name: ByteString): void {
    const node = this.removable(request, name);
    if (node === undefined) return;
    if (isDirectoryMode(node.mode)) throw new FuseError('EISDIR');
    this.remove(node, { parent: request.nodeId, name });
  }

  rmdir(request: FuseRequest, name: ByteString): void {
    const node = this.removable(request, name);
    if (node === undefined) return;
    if (!isDirectoryMode(node.mode)) throw new FuseError('ENOTDIR');
    if (node.children.size > 0) throw new FuseError('ENOTEMPTY');
    this.remove(node, { parent: request.nodeId, name });
  }

  rename(request: FuseRequest, from: Link, to: Link, flags: number): void {
    // The same answers as over a real directory, where exchanging is not possible.
    if ((flags & ~RENAME_NOREPLACE) !== 0) throw new FuseError('EINVAL');
    const source = this.find(from.parent, from.name);
    const parent = this.livingDirectory(to.parent);
    const target = parent.children.get(to.name);
    if (source === undefined) {
      if (request.resent && target !== undefined) return;
      throw new FuseError('ENOENT');
    }
    if (target !== undefined && (flags & RENAME_NOREPLACE) !== 0) throw new FuseError('EEXIST');
    // Two names of one file: rename(2) does nothing then.
    if (source === target) return;
    if (isDirectoryMode(source.mode) && this.nodes.isBelow(parent, source)) throw new FuseError('EINVAL');
    if (target !== undefined) this.checkReplaceable(source, target, from);
    if (target !== undefined) this.remove(target, to);
    this.move(source, from, to);
    this.touch(this.nodes.get(from.parent));
    this.touch(parent);
  }

  private checkReplaceable(source: VirtualNode, target: VirtualNode, from: Link): void {
    const directory = isDirectoryMode(target.mode);
    if (directory && this.nodes.isBelow(this.nodes.get(from.parent), target)) {
      throw new FuseError('ENOTEMPTY');
    }
    if (isDirectoryMode(source.mode) && !directory) throw new FuseError('ENOTDIR');
    if (!isDirectoryMode(source.mode) && directory) throw new FuseError('EISDIR');
    if (target.children.size > 0) throw new FuseError('ENOTEMPTY');
  }

  private move(node: VirtualNode, from: Link, to: Link): void {
    // The new name first: a node without any name would be given up.
    this.nodes.addLink(node, to);
    this.nodes.removeLink(node, from);
    this.changed(node);
  }

  private remove(node: VirtualNode, link: Link): void {
    this.changed(node);
    this.nodes.removeLink(node, link);
    this.touch(this.nodes.get(link.parent));
  }

  private removable(request: FuseRequest, name: ByteString): VirtualNode | undefined {
    const node = this.find(request.nodeId, name);
    if (node === undefined && !request.resent) throw new FuseError('ENOENT');
    return node;
  }

  /** A directory that was removed while a program stands in it takes no new names. */
  private livingDirectory(id: number): VirtualNode {
    const node = this.nodes.directory(id);
    if (this.nodes.isRemoved(node)) throw new FuseError('ENOENT');
    return node;
  }

  private changed(node: VirtualNode): void {
    node.ctime = presentTime();
    this.nodes.saveContent(node);
  }

  private touch(directory: VirtualNode): void {
    directory.mtime = directory.ctime = presentTime();
    this.nodes.saveContent(directory);
  }
}

function madeBefore(
  request: FuseRequest,
  present: VirtualNode,
  mode: number,
  target: Buffer | undefined,
): VirtualNode {
  const sameType = (present.mode & FILE_TYPE) === (mode & FILE_TYPE);
  const sameTarget = target === undefined || present.target?.equals(target) === true;
  if (!request.resent || !sameType || !sameTarget) throw new FuseError('EEXIST');
  return present;
}
