import type {
  AttributeChanges,
  Attributes,
  ByteString,
  DirectoryFiller,
  Entry,
  FileSystemStatistics,
  FuseRequest,
  Opened,
  WriteArguments,
} from '@k2hft/fuse';

/** An open file. */
export interface OpenHandle {
  handle: number;
  nodeId: number;
  /** Of open(2), as the kernel passed them on. */
  flags: number;
}

export interface AttributesReply {
  attributes: Attributes;
  validMs: number;
}

export interface Created {
  entry: Entry;
  opened: Opened;
}

/** buffer[start..end) is written at `offset`. */
export type FileWrite = Pick<WriteArguments, 'handle' | 'offset' | 'buffer' | 'start' | 'end'>;

/**
 * The files under the mount point: their names, attributes and local bytes. It knows nothing of rules and
 * queues. Methods are those of FuseOperations and throw what those throw; every change that a later worker must
 * know is put into the PendingRows that the tree was made with, before the method returns. A request that is
 * marked as resent may have been carried out by an earlier worker: the outcome that proves it (EEXIST for a creation, ENOENT for
 * a removal, a missing source with a present target for a rename) counts as success.
 */
export interface FileTree {
  lookup(request: FuseRequest, name: ByteString): Entry;
  forget(nodeId: number, lookups: number): void;
  getattr(request: FuseRequest, handle: number | undefined): AttributesReply;
  setattr(request: FuseRequest, changes: AttributeChanges): AttributesReply;
  readlink(request: FuseRequest): Buffer;
  symlink(request: FuseRequest, name: ByteString, target: Buffer): Entry;
  mknod(request: FuseRequest, name: ByteString, mode: number, rdev: number): Entry;
  mkdir(request: FuseRequest, name: ByteString, mode: number): Entry;
  unlink(request: FuseRequest, name: ByteString): void;
  rmdir(request: FuseRequest, name: ByteString): void;
  rename(request: FuseRequest, name: ByteString, newParent: number, newName: ByteString, flags: number): void;
  link(request: FuseRequest, existing: number, name: ByteString): Entry;
  open(request: FuseRequest, flags: number): Opened;
  create(request: FuseRequest, name: ByteString, flags: number, mode: number): Created;
  read(request: FuseRequest, handle: number, offset: number, target: Buffer): number;
  /** Returns how many bytes were taken: fewer only when the disk is full. */
  write(request: FuseRequest, write: FileWrite): number;
  release(request: FuseRequest, handle: number): void;
  /** fsync of what the tree itself keeps. */
  fsync(request: FuseRequest, handle: number, dataOnly: boolean): void;
  fsyncdir(request: FuseRequest, handle: number, dataOnly: boolean): void;
  opendir(request: FuseRequest, flags: number): Opened;
  readdir(request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void;
  readdirplus(request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void;
  releasedir(request: FuseRequest, handle: number): void;
  statfs(request: FuseRequest): FileSystemStatistics;
  /** The file's present length. */
  sizeBytes(nodeId: number): number;
  /** A present path of the node relative to the mount point, no leading slash; '' for the root. */
  pathOf(nodeId: number): ByteString;
  /** Handles of files that are open, whoever opened them: what a new worker finds. */
  openHandles(): Iterable<OpenHandle>;
  /** Closes the file descriptors; the rows stay as they are. */
  close(): void;
}
