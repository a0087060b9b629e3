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
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  readlinkSync,
  statfsSync,
  type BigIntStats,
} from 'node:fs';
import { FILE_TYPE, isRegularMode, type Shown } from './attributes.js';
import type { AttributesReply, Created, FileTree, FileWrite, OpenHandle } from './file-tree.js';
import { DescriptorCache } from './handles-descriptors.js';
import { HandleTable } from './handles.js';
import { NAME_BYTES_MAX, ROOT_ID } from './nodes-names.js';
import { OverlayAttributes } from './overlay-attributes.js';
import { readFully, syncDirectory, writeFully } from './overlay-content.js';
import { OverlayCreation } from './overlay-creation.js';
import { OverlayEntries, OVERLAY_VALID_MS } from './overlay-entries.js';
import { checkCreatable, checkVisible } from './overlay-hidden-names.js';
import { HiddenFiles } from './overlay-hidden.js';
import { OverlayListing } from './overlay-listing.js';
import { OverlayNodes } from './overlay-nodes.js';
import { OverlayOpenFiles } from './overlay-open-files.js';
import { OverlayPaths, pathBytes, statOf } from './overlay-paths.js';
import { OverlayRemoval } from './overlay-removal.js';
import type { PendingRows, RowReader } from './pending-rows.js';

/** Well below the 20 000 descriptors and more that a service may have, and far more than files are written at a time. */
const DESCRIPTORS_MAX = 4096;

export interface OverlayTreeOptions {
  /** Path of the directory below the mount: `/proc/self/fd/N` of a descriptor opened before mounting. */
  readonly root: string;
  readonly rows: PendingRows;
  readonly stored: RowReader;
  /** True for a new mount; false for a worker that goes on where an earlier one of the same mount was killed. */
  readonly fresh: boolean;
  readonly show: Shown;
  /** Open descriptors at a time, of files and directories; at least 16. */
  readonly descriptorsMax?: number;
}

/**
 * The directory below the mount point, seen through the mount. Rows:
 *
 *     no<node, base 36>    a node: overlay-node-rows.ts
 *     hh<handle, base 36>  an open file or directory: handles.ts
 *     nc, hc               the counters of both
 *
 * Errors of the file system below come out as Node throws them, with their `code`.
 */
export class OverlayTree implements FileTree {
  private readonly descriptors: DescriptorCache;
  private readonly handles: HandleTable;
  private readonly nodes: OverlayNodes;
  private readonly paths: OverlayPaths;
  private readonly hidden: HiddenFiles;
  private readonly entries: OverlayEntries;
  private readonly files: OverlayOpenFiles;
  private readonly attributes: OverlayAttributes;
  private readonly listing: OverlayListing;
  private readonly creation: OverlayCreation;
  private readonly removal: OverlayRemoval;

  static open(options: OverlayTreeOptions): OverlayTree {
    return new OverlayTree(options);
  }

  private constructor(options: OverlayTreeOptions) {
    const { rows, stored, fresh } = options;
    const root = Buffer.from(options.root).toString('latin1');
    this.descriptors = new DescriptorCache(options.descriptorsMax ?? DESCRIPTORS_MAX);
    this.nodes = new OverlayNodes(rows, stored, lstatSync(pathBytes(`${root}/.`), { bigint: true }));
    this.paths = new OverlayPaths(root, this.nodes, this.descriptors);
    this.hidden = new HiddenFiles(this.nodes, this.paths);
    if (fresh) {
      this.hidden.sweep();
      this.descriptors.closeAll();
      this.nodes.clear();
    }
    this.handles = new HandleTable(rows, stored, fresh);
    this.files = new OverlayOpenFiles(this.handles, this.descriptors, this.nodes, this.paths);
    this.files.takeOver();
    this.entries = new OverlayEntries(this.hidden, options.show);
    this.attributes = new OverlayAttributes(this.handles, this.files, this.paths);
    this.listing = new OverlayListing(this.nodes, this.paths, this.entries);
    this.creation = new OverlayCreation(this.nodes, this.paths);
    this.removal = new OverlayRemoval(this.nodes, this.paths, this.hidden);
  }

  lookup(request: FuseRequest, name: ByteString): Entry {
    checkVisible(name);
    const stat = statOf(this.paths.entry(request.nodeId, name));
    if (stat === undefined) throw new FuseError('ENOENT');
    return this.looked(request, name, stat);
  }

  forget(nodeId: number, lookups: number): void {
    this.nodes.forget(nodeId, lookups);
  }

  getattr(request: FuseRequest, handle: number | undefined): AttributesReply {
    const node = this.nodes.get(request.nodeId);
    const stat = this.attributes.stat(node, handle);
    return { attributes: this.entries.attributes(node, stat), validMs: OVERLAY_VALID_MS };
  }

  setattr(request: FuseRequest, changes: AttributeChanges): AttributesReply {
    this.attributes.change(this.nodes.get(request.nodeId), changes);
    return this.getattr(request, changes.handle);
  }

  readlink(request: FuseRequest): Buffer {
    const { path } = this.paths.locate(this.nodes.get(request.nodeId));
    return readlinkSync(pathBytes(path), { encoding: 'buffer' });
  }

  symlink(request: FuseRequest, name: ByteString, target: Buffer): Entry {
    checkCreatable(name);
    return this.looked(request, name, this.creation.symlink(request, name, target));
  }

  mknod(request: FuseRequest, name: ByteString, mode: number): Entry {
    checkCreatable(name);
    // Node has no mknod(2). EPERM is what mknod(2) says of a file system that cannot hold such a node.
    if (!isRegularMode(mode) && (mode & FILE_TYPE) !== 0) throw new FuseError('EPERM');
    const { fd, stat } = this.creation.file(request, name, constants.O_EXCL, mode);
    closeSync(fd);
    return this.looked(request, name, stat);
  }

  mkdir(request: FuseRequest, name: ByteString, mode: number): Entry {
    checkCreatable(name);
    return this.looked(request, name, this.creation.directory(request, name, mode));
  }

  unlink(request: FuseRequest, name: ByteString): void {
    checkVisible(name);
    this.removal.unlink(request, name);
  }

  rmdir(request: FuseRequest, name: ByteString): void {
    checkVisible(name);
    this.removal.rmdir(request, name);
  }

  rename(
    request: FuseRequest,
    name: ByteString,
    newParent: number,
    newName: ByteString,
    flags: number,
  ): void {
    checkVisible(name);
    checkCreatable(newName);
    const from = { parent: request.nodeId, name };
    this.removal.rename(request, from, { parent: newParent, name: newName }, flags);
  }

  link(request: FuseRequest, existing: number, name: ByteString): Entry {
    checkCreatable(name);
    return this.looked(request, name, this.creation.link(request, this.nodes.get(existing), name));
  }

  open(request: FuseRequest, flags: number): Opened {
    return { handle: this.files.open(request, this.nodes.get(request.nodeId), flags).id };
  }

  create(request: FuseRequest, name: ByteString, flags: number, mode: number): Created {
    checkCreatable(name);
    const before = this.handles.madeBefore(request);
    if (before !== undefined) {
      // Stored together with the lookup that the kernel will count now, so it is not counted again.
      const node = this.nodes.get(before.nodeId);
      const entry = this.entries.entry(node, this.attributes.stat(node, before.id));
      return { entry, opened: { handle: before.id } };
    }
    const { fd, stat } = this.creation.file(request, name, flags, mode);
    const entry = this.looked(request, name, stat);
    const handle = this.files.adopt(request, this.nodes.get(entry.nodeId), flags, fd);
    return { entry, opened: { handle: handle.id } };
  }

  read(_request: FuseRequest, handle: number, offset: number, target: Buffer): number {
    return readFully(this.files.descriptor(handle), offset, target);
  }

  write(_request: FuseRequest, { handle, offset, buffer, start, end }: FileWrite): number {
    return writeFully(this.files.descriptor(handle), offset, buffer, start, end);
  }

  release(_request: FuseRequest, handle: number): void {
    const node = this.files.close(handle);
    if (node?.handles === 0 && this.hidden.remove(node)) this.nodes.retire(node);
  }

  fsync(_request: FuseRequest, handle: number, dataOnly: boolean): void {
    const fd = this.files.descriptor(handle);
    if (dataOnly) fdatasyncSync(fd);
    else fsyncSync(fd);
  }

  fsyncdir(request: FuseRequest): void {
    syncDirectory(this.paths.directory(request.nodeId));
  }

  opendir(request: FuseRequest, flags: number): Opened {
    const node = this.nodes.get(request.nodeId);
    if (!node.directory) throw new FuseError('ENOTDIR');
    this.paths.directory(node.id);
    return { handle: this.files.openDirectory(request, node, flags).id };
  }

  readdir(_request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    this.listing.readdir(this.handles.get(handle), offset, filler);
  }

  readdirplus(_request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    this.listing.readdirplus(this.handles.get(handle), offset, filler);
  }

  releasedir(_request: FuseRequest, handle: number): void {
    this.listing.forget(handle);
    this.files.close(handle);
  }

  statfs(request: FuseRequest): FileSystemStatistics {
    const node = this.nodes.peek(request.nodeId);
    const below = statfsSync(pathBytes(this.paths.directory(node?.directory === true ? node.id : ROOT_ID)));
    return {
      blocks: below.blocks,
      blocksFree: below.bfree,
      blocksAvailable: below.bavail,
      files: below.files,
      filesFree: below.ffree,
      blockBytes: below.bsize,
      // Node shows neither of the two; these are right for the file systems that Linux keeps on disks.
      fragmentBytes: below.bsize,
      nameBytesMax: NAME_BYTES_MAX,
    };
  }

  sizeBytes(nodeId: number): number {
    const node = this.nodes.get(nodeId);
    const fd = this.files.anyDescriptor(node);
    return Number(fd === undefined ? this.attributes.stat(node).size : fstatSync(fd).size);
  }

  pathOf(nodeId: number): ByteString {
    return this.nodes.pathOf(nodeId);
  }

  openHandles(): Iterable<OpenHandle> {
    return this.handles.files();
  }

  close(): void {
    this.descriptors.closeAll();
  }

  /** The answer that the kernel counts as a lookup. */
  private looked(request: FuseRequest, name: ByteString, stat: BigIntStats): Entry {
    const node = this.nodes.adopt(stat, request.nodeId, name);
    this.nodes.countLookup(node);
    return this.entries.entry(node, stat);
  }
}
