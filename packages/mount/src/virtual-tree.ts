import { FuseError } from '@k2hft/fuse';
import type {
  AttributeChanges,
  ByteString,
  DirectoryFiller,
  Entry,
  FileSystemStatistics,
  FuseRequest,
  Opened,
} from '@k2hft/fuse';
import {
  DIRECTORY,
  FIFO,
  FILE_TYPE,
  PERMISSIONS,
  REGULAR,
  SOCKET,
  SYMLINK,
  type Shown,
} from './attributes.js';
import type { AttributesReply, Created, FileTree, FileWrite, OpenHandle } from './file-tree.js';
import { HandleTable } from './handles.js';
import { checkName } from './nodes-names.js';
import type { PendingRows, RowReader } from './pending-rows.js';
import { readTail, writeTail } from './tail-content.js';
import { TailRings } from './tail-rings.js';
import { changeAttributes, FILE_BYTES_MAX } from './virtual-attributes.js';
import { VirtualEntries, VIRTUAL_VALID_MS } from './virtual-entries.js';
import { VirtualNames } from './virtual-names.js';
import type { VirtualNode } from './virtual-node-rows.js';
import { makePresent } from './virtual-present.js';
import { presentTime, VirtualNodes } from './virtual-nodes.js';
import { VirtualOpenFiles } from './virtual-open-files.js';
import { virtualStatistics, type Room } from './virtual-statistics.js';

/** PATH_MAX less its final zero byte: what symlink(2) takes. */
const TARGET_BYTES_MAX = 4095;

const ROOT_PERMISSIONS = 0o755;

export interface VirtualTreeOptions {
  /** Directory for the tails of the files, made when it is missing. */
  readonly tailsDir: string;
  readonly rows: PendingRows;
  readonly stored: RowReader;
  /** True for a new mount; false for a worker that goes on where an earlier one of the same mount was killed. */
  readonly fresh: boolean;
  readonly show: Shown;
  /** What a new mount shows from the start: virtual-present.ts. */
  readonly present?: readonly string[];
  /** What statfs(2) shows. */
  readonly room: () => Room;
  /** Owner and permissions of the root when it is made; by default 0755 and the worker's own user. */
  readonly rootOwner?: { readonly mode: number; readonly uid: number; readonly gid: number };
}

/**
 * Files that exist only here: names and attributes in rows, of the bytes the last ones in rings. Rows:
 *
 *     nv<node, base 36>    names, owner, mode, lookups: virtual-node-rows.ts
 *     ns<node, base 36>    size and times: the only row that a write changes
 *     hh<handle, base 36>  an open file or directory: handles.ts
 *     nc, hc               the counters of both
 *
 * Nothing here survives the loss of the rows, which loss of power may bring: what was written is kept by the queue, and the
 * programs make their files again.
 */
export class VirtualTree implements FileTree {
  private readonly rings: TailRings;
  private readonly nodes: VirtualNodes;
  private readonly handles: HandleTable;
  private readonly files: VirtualOpenFiles;
  private readonly names: VirtualNames;
  private readonly entries: VirtualEntries;
  private readonly room: () => Room;

  static open(options: VirtualTreeOptions): VirtualTree {
    return new VirtualTree(options);
  }

  private constructor(options: VirtualTreeOptions) {
    const { rows, stored, fresh } = options;
    this.room = options.room;
    this.rings = new TailRings(options.tailsDir);
    this.nodes = new VirtualNodes(rows, stored, this.rings, rootFields(options));
    this.handles = new HandleTable(rows, stored, fresh);
    this.files = new VirtualOpenFiles(this.handles, this.nodes);
    this.files.takeOver();
    if (fresh) {
      this.nodes.startMount();
      makePresent(this.nodes, options.present ?? []);
    }
    this.names = new VirtualNames(this.nodes);
    this.entries = new VirtualEntries(this.nodes, options.show);
  }

  lookup(request: FuseRequest, name: ByteString): Entry {
    checkName(name);
    const node = this.names.find(request.nodeId, name);
    if (node === undefined) throw new FuseError('ENOENT');
    return this.looked(node);
  }

  forget(nodeId: number, lookups: number): void {
    this.nodes.forget(nodeId, lookups);
  }

  /** The handle does not matter: a node is the same through each of them. */
  getattr(request: FuseRequest): AttributesReply {
    const node = this.nodes.get(request.nodeId);
    return { attributes: this.entries.attributes(node), validMs: VIRTUAL_VALID_MS };
  }

  setattr(request: FuseRequest, changes: AttributeChanges): AttributesReply {
    changeAttributes(this.nodes, this.rings, this.nodes.get(request.nodeId), changes);
    return this.getattr(request);
  }

  readlink(request: FuseRequest): Buffer {
    const { target } = this.nodes.get(request.nodeId);
    if (target === undefined) throw new FuseError('EINVAL');
    return target;
  }

  symlink(request: FuseRequest, name: ByteString, target: Buffer): Entry {
    checkName(name);
    if (target.length > TARGET_BYTES_MAX) throw new FuseError('ENAMETOOLONG');
    // A copy: the request's buffer is used again.
    return this.looked(this.names.make(request, name, SYMLINK | 0o777, Buffer.from(target)));
  }

  mknod(request: FuseRequest, name: ByteString, mode: number): Entry {
    checkName(name);
    const type = mode & FILE_TYPE || REGULAR;
    // FIFOs and sockets are served by the kernel, which needs but a name for them. Devices have no place among log files.
    if (type !== REGULAR && type !== FIFO && type !== SOCKET) throw new FuseError('EPERM');
    return this.looked(this.names.make(request, name, type | (mode & PERMISSIONS)));
  }

  mkdir(request: FuseRequest, name: ByteString, mode: number): Entry {
    checkName(name);
    return this.looked(this.names.make(request, name, DIRECTORY | (mode & PERMISSIONS)));
  }

  unlink(request: FuseRequest, name: ByteString): void {
    checkName(name);
    this.names.unlink(request, name);
  }

  rmdir(request: FuseRequest, name: ByteString): void {
    checkName(name);
    this.names.rmdir(request, name);
  }

  rename(
    request: FuseRequest,
    name: ByteString,
    newParent: number,
    newName: ByteString,
    flags: number,
  ): void {
    checkName(name);
    checkName(newName);
    const from = { parent: request.nodeId, name };
    this.names.rename(request, from, { parent: newParent, name: newName }, flags);
  }

  link(request: FuseRequest, existing: number, name: ByteString): Entry {
    checkName(name);
    const node = this.nodes.get(existing);
    this.names.link(request, node, name);
    return this.looked(node);
  }

  open(request: FuseRequest, flags: number): Opened {
    return this.files.open(request, this.nodes.get(request.nodeId), flags);
  }

  create(request: FuseRequest, name: ByteString, flags: number, mode: number): Created {
    checkName(name);
    const before = this.handles.madeBefore(request);
    if (before !== undefined) {
      // Stored together with the lookup that the kernel will count now, so it is not counted again.
      const entry = this.entries.entry(this.nodes.get(before.nodeId));
      return { entry, opened: { handle: before.id, directIo: true } };
    }
    const node = this.names.make(request, name, REGULAR | (mode & PERMISSIONS));
    const entry = this.looked(node);
    return { entry, opened: this.files.open(request, node, flags) };
  }

  read(_request: FuseRequest, handle: number, offset: number, target: Buffer): number {
    return readTail(this.rings, this.files.node(handle), offset, target);
  }

  write(_request: FuseRequest, { handle, offset, buffer, start, end }: FileWrite): number {
    const node = this.files.node(handle);
    if (offset + (end - start) > FILE_BYTES_MAX) throw new FuseError('EFBIG');
    writeTail(this.rings, node, offset, buffer, start, end);
    node.mtime = node.ctime = presentTime();
    this.nodes.saveContent(node);
    return end - start;
  }

  release(_request: FuseRequest, handle: number): void {
    this.files.close(handle);
  }

  /** What a power loss takes is the whole tree, so there is nothing that would be worth keeping of a single file. */
  fsync(_request: FuseRequest, handle: number): void {
    this.handles.get(handle);
  }

  fsyncdir(_request: FuseRequest, handle: number): void {
    this.handles.get(handle);
  }

  opendir(request: FuseRequest, flags: number): Opened {
    return this.files.openDirectory(request, this.nodes.directory(request.nodeId), flags);
  }

  readdir(_request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    this.entries.readdir(this.handles.get(handle), offset, filler);
  }

  readdirplus(_request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    this.entries.readdirplus(this.handles.get(handle), offset, filler);
  }

  releasedir(_request: FuseRequest, handle: number): void {
    this.entries.forgetListing(handle);
    this.files.close(handle);
  }

  statfs(): FileSystemStatistics {
    return virtualStatistics(this.room(), this.nodes.count);
  }

  sizeBytes(nodeId: number): number {
    return this.nodes.get(nodeId).sizeBytes;
  }

  pathOf(nodeId: number): ByteString {
    return this.nodes.pathOf(nodeId);
  }

  openHandles(): Iterable<OpenHandle> {
    return this.handles.files();
  }

  close(): void {
    this.rings.close();
  }

  private looked(node: VirtualNode): Entry {
    this.nodes.countLookup(node);
    return this.entries.entry(node);
  }
}

function rootFields({ rootOwner }: VirtualTreeOptions): { mode: number; uid: number; gid: number } {
  return {
    mode: DIRECTORY | ((rootOwner?.mode ?? ROOT_PERMISSIONS) & PERMISSIONS),
    uid: rootOwner?.uid ?? process.getuid?.() ?? 0,
    gid: rootOwner?.gid ?? process.getgid?.() ?? 0,
  };
}
