import { constants } from 'node:fs';
import {
  copyRequest,
  ERRNO,
  FuseError,
  PARKED,
  ROOT_NODE_ID,
  type AttributeChanges,
  type Attributes,
  type DirectoryFiller,
  type Entry,
  type FileSystemStatistics,
  type FuseOperations,
  type FuseReplies,
  type FuseRequest,
  type Opened,
  type Parked,
  type Timestamp,
  type WriteArguments,
} from '../src/index.js';

const NAME_BYTES_MAX = 255;
/** Far above what tests write, and little enough to be had at once. */
const FILE_BYTES_MAX = 1024 * 1024 * 1024;
const BLOCK_BYTES = 4096;
/** The unit of st_blocks. */
const SECTOR_BYTES = 512;
/** How long the kernel may keep what it was told; nobody else changes it. */
const VALID_MS = 1000;

/** A write to the file with this name is parked until RELEASE_NAME is looked up, or its caller is interrupted. */
export const PARKING_NAME = 'parked';
export const RELEASE_NAME = '.release';

/** There while a write is parked. */
export const SIGN_NAME = '.sign';

interface Node {
  readonly id: number;
  readonly attributes: Attributes;
  /** Files: room for the bytes, of which attributes.sizeBytes count. Symbolic links: the target. */
  data: Buffer;
  readonly children: Map<string, Node>;
  parks: boolean;
}

interface ParkedWrite {
  readonly request: FuseRequest;
  readonly node: Node;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** A whole small file system in memory, for tests of the driver. Handles are node ids. */
export class MemoryFileSystem implements FuseOperations {
  replies: FuseReplies | undefined;
  private readonly directIo: boolean;
  private readonly nodes = new Map<number, Node>();
  private readonly parked: ParkedWrite[] = [];
  private sign: Node | undefined;
  private lastId = ROOT_NODE_ID - 1;

  constructor(directIo: boolean) {
    this.directIo = directIo;
    this.make(constants.S_IFDIR | 0o755, 0, 0);
  }

  private make(mode: number, uid: number, gid: number): Node {
    const id = ++this.lastId;
    const time = now();
    const attributes: Attributes = {
      ino: id,
      sizeBytes: 0,
      blocks: 0,
      atime: time,
      mtime: time,
      ctime: time,
      mode,
      nlink: isDirectory(mode) ? 2 : 1,
      uid,
      gid,
      rdev: 0,
      blockBytes: BLOCK_BYTES,
    };
    const node = { id, attributes, data: Buffer.alloc(0), children: new Map<string, Node>(), parks: false };
    this.nodes.set(id, node);
    return node;
  }

  private node(id: number): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new FuseError('ESTALE');
    return node;
  }

  private child(parentId: number, name: string): Node {
    const child = this.node(parentId).children.get(name);
    if (child === undefined) throw new FuseError('ENOENT');
    return child;
  }

  private put(request: FuseRequest, name: string, mode: number): Node {
    const parent = this.node(request.nodeId);
    if (parent.children.has(name)) throw new FuseError('EEXIST');
    if (name.length > NAME_BYTES_MAX) throw new FuseError('ENAMETOOLONG');
    const node = this.make(mode, request.uid, request.gid);
    node.parks = name === PARKING_NAME;
    parent.children.set(name, node);
    return node;
  }

  private take(parentId: number, name: string): void {
    const node = this.child(parentId, name);
    node.attributes.nlink--;
    this.node(parentId).children.delete(name);
  }

  lookup(request: FuseRequest, name: string): Entry {
    if (name === RELEASE_NAME) this.answerParked();
    if (name === SIGN_NAME && this.parked.length > 0) {
      this.sign ??= this.make(constants.S_IFREG | 0o400, 0, 0);
      return { ...entryOf(this.sign), entryValidMs: 0 };
    }
    return entryOf(this.child(request.nodeId, name));
  }

  getattr(request: FuseRequest): { attributes: Attributes; validMs: number } {
    return { attributes: this.node(request.nodeId).attributes, validMs: VALID_MS };
  }

  setattr(request: FuseRequest, changes: AttributeChanges): { attributes: Attributes; validMs: number } {
    const node = this.node(request.nodeId);
    const { attributes } = node;
    const { mode, uid, gid, sizeBytes, atime, mtime } = changes;
    if (mode !== undefined) attributes.mode = (attributes.mode & constants.S_IFMT) | (mode & 0o7777);
    if (uid !== undefined) attributes.uid = uid;
    if (gid !== undefined) attributes.gid = gid;
    if (sizeBytes !== undefined) resize(node, sizeBytes);
    if (atime !== undefined) attributes.atime = atime === 'now' ? now() : atime;
    if (mtime !== undefined) attributes.mtime = mtime === 'now' ? now() : mtime;
    attributes.ctime = now();
    return { attributes, validMs: VALID_MS };
  }

  readlink(request: FuseRequest): Buffer {
    return this.node(request.nodeId).data;
  }

  symlink(request: FuseRequest, name: string, target: Buffer): Entry {
    const node = this.put(request, name, constants.S_IFLNK | 0o777);
    node.data = target;
    node.attributes.sizeBytes = target.length;
    return entryOf(node);
  }

  mknod(request: FuseRequest, name: string, mode: number): Entry {
    return entryOf(this.put(request, name, mode));
  }

  mkdir(request: FuseRequest, name: string, mode: number): Entry {
    return entryOf(this.put(request, name, constants.S_IFDIR | mode));
  }

  unlink(request: FuseRequest, name: string): void {
    this.take(request.nodeId, name);
  }

  rmdir(request: FuseRequest, name: string): void {
    if (this.child(request.nodeId, name).children.size > 0) throw new FuseError('ENOTEMPTY');
    this.take(request.nodeId, name);
  }

  rename(request: FuseRequest, name: string, newParent: number, newName: string, flags: number): void {
    if (flags !== 0) throw new FuseError('EINVAL');
    const node = this.child(request.nodeId, name);
    const replaced = this.node(newParent).children.get(newName);
    if (replaced === node) return;
    if (replaced !== undefined) this.take(newParent, newName);
    this.node(request.nodeId).children.delete(name);
    this.node(newParent).children.set(newName, node);
  }

  link(request: FuseRequest, existing: number, name: string): Entry {
    const node = this.node(existing);
    this.node(request.nodeId).children.set(name, node);
    node.attributes.nlink++;
    return entryOf(node);
  }

  open(request: FuseRequest): Opened {
    return { handle: request.nodeId, directIo: this.directIo };
  }

  create(request: FuseRequest, name: string, _flags: number, mode: number): { entry: Entry; opened: Opened } {
    const node = this.put(request, name, mode);
    return { entry: entryOf(node), opened: { handle: node.id, directIo: this.directIo } };
  }

  read(_request: FuseRequest, handle: number, offset: number, target: Buffer): number {
    const { data, attributes } = this.node(handle);
    return offset >= attributes.sizeBytes
      ? 0
      : data.copy(target, 0, offset, Math.min(attributes.sizeBytes, offset + target.length));
  }

  write(request: FuseRequest, { handle, offset, buffer, start, end }: WriteArguments): number | Parked {
    const node = this.node(handle);
    if (!node.parks) return writeTo(node, offset, buffer, start, end);
    // The buffer is overwritten by the next request, and so is the request.
    const bytes = Buffer.from(buffer.subarray(start, end));
    this.parked.push({ request: copyRequest(request), node, offset, bytes });
    return PARKED;
  }

  private answerParked(): void {
    for (const { request, node, offset, bytes } of this.parked.splice(0)) {
      this.replies?.replyWritten(request, writeTo(node, offset, bytes, 0, bytes.length));
    }
  }

  interrupt(unique: number): void {
    const index = this.parked.findIndex(({ request }) => request.unique === unique);
    const [found] = index < 0 ? [] : this.parked.splice(index, 1);
    if (found !== undefined) this.replies?.replyError(found.request, ERRNO.EINTR);
  }

  flush(): void {
    // Everything is written as it comes.
  }

  fsync(): void {
    // There is no other place to bring it to.
  }

  release(): void {
    // Handles are node ids.
  }

  opendir(request: FuseRequest): Opened {
    return { handle: request.nodeId };
  }

  readdir(_request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    const entries = [...this.node(handle).children];
    for (const [index, [name, { id, attributes }]] of entries.slice(offset).entries()) {
      if (!filler.add({ name, ino: id, mode: attributes.mode }, offset + index + 1)) return;
    }
  }

  readdirplus(_request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    const entries = [...this.node(handle).children];
    for (const [index, [name, node]] of entries.slice(offset).entries()) {
      const entry = { name, ino: node.id, mode: node.attributes.mode };
      if (!filler.addWithEntry(entry, offset + index + 1, entryOf(node))) return;
    }
  }

  releasedir(): void {
    // Handles are node ids.
  }

  statfs(): FileSystemStatistics {
    return {
      blocks: 1000,
      blocksFree: 600,
      blocksAvailable: 500,
      files: 100,
      filesFree: 90,
      blockBytes: BLOCK_BYTES,
      fragmentBytes: BLOCK_BYTES,
      nameBytesMax: NAME_BYTES_MAX,
    };
  }
}

function entryOf(node: Node): Entry {
  const { id, attributes } = node;
  return { nodeId: id, generation: 0, attributes, entryValidMs: VALID_MS, attributesValidMs: VALID_MS };
}

function isDirectory(mode: number): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFDIR;
}

function now(): Timestamp {
  const ms = Date.now();
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}

function resize(node: Node, sizeBytes: number): void {
  if (sizeBytes > FILE_BYTES_MAX) throw new FuseError('EFBIG');
  if (sizeBytes > node.data.length) {
    const grown = Buffer.alloc(Math.max(sizeBytes, node.data.length * 2));
    node.data.copy(grown, 0, 0, node.attributes.sizeBytes);
    node.data = grown;
  } else if (sizeBytes < node.attributes.sizeBytes) {
    node.data.fill(0, sizeBytes, node.attributes.sizeBytes);
  }
  node.attributes.sizeBytes = sizeBytes;
  node.attributes.blocks = Math.ceil(sizeBytes / SECTOR_BYTES);
}

function writeTo(node: Node, offset: number, buffer: Buffer, start: number, end: number): number {
  const bytes = end - start;
  if (offset + bytes > node.attributes.sizeBytes) resize(node, offset + bytes);
  buffer.copy(node.data, offset, start, end);
  node.attributes.mtime = now();
  return bytes;
}
