/* eslint-disable @typescript-eslint/no-invalid-void-type -- an operation that has nothing to tell just returns */
/**
 * The seam between the protocol and a file system: what a file system may answer, one method per request of the
 * kernel. A method that is absent is answered with ENOSYS, which the kernel remembers for most requests. A method
 * throws {@link FuseError} to answer with an errno, and returns {@link PARKED} to answer later, from another
 * request's turn, through {@link FuseReplies}.
 *
 * Names are byte strings: each character is one byte (latin1), so every name of the file system below survives.
 */
export const PARKED: unique symbol = Symbol('answered later');
export type Parked = typeof PARKED;

/** A byte string: each character's code is one byte of the name. */
export type ByteString = string;

export interface FuseRequest {
  /** The kernel's number of the request, without the resend mark: below 2^53. */
  readonly unique: number;
  /** The number's two halves as received, mark included: what a reply must repeat. */
  readonly uniqueLow: number;
  readonly uniqueHigh: number;
  /** True when an earlier reader of the same /dev/fuse took this request and died before it answered. */
  readonly resent: boolean;
  readonly nodeId: number;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

export interface Timestamp {
  /** Whole seconds since 1970, UTC; may be negative. */
  readonly seconds: number;
  readonly nanos: number;
}

export interface Attributes {
  ino: number;
  sizeBytes: number;
  /** In units of 512 bytes. */
  blocks: number;
  atime: Timestamp;
  mtime: Timestamp;
  ctime: Timestamp;
  /** File type and permission bits, as st_mode. */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  blockBytes: number;
}

export interface Entry {
  nodeId: number;
  generation: number;
  attributes: Attributes;
  entryValidMs: number;
  attributesValidMs: number;
}

/** What open and create decide about a handle. */
export interface Opened {
  handle: number;
  /** Reads and writes bypass the kernel's page cache. */
  directIo?: boolean;
  /** Pages cached by earlier handles stay. */
  keepCache?: boolean;
  /** Reads and writes at a position make no sense. */
  nonSeekable?: boolean;
}

/** Which attributes a SETATTR changes; an absent one stays. 'now' is the time of the request. */
export interface AttributeChanges {
  mode?: number;
  uid?: number;
  gid?: number;
  sizeBytes?: number;
  atime?: Timestamp | 'now';
  mtime?: Timestamp | 'now';
  /** The open handle through which ftruncate(2) and its like came. */
  handle?: number;
}

export interface WriteArguments {
  handle: number;
  offset: number;
  /**
   * The bytes to write are buffer[start..end). What stands before `start` in the buffer, at least the session's
   * headroom, is free for the file system to overwrite until it returns; so is the data itself.
   */
  buffer: Buffer;
  start: number;
  end: number;
  /** The pages come from the kernel's cache (mmap): the caller's identity is unknown, and bytes may repeat. */
  fromCache: boolean;
  openFlags: number;
}

export interface DirectoryEntry {
  name: ByteString;
  ino: number;
  /** File type bits of st_mode (S_IFMT); 0: unknown. */
  mode: number;
}

/** Takes entries until its reply is full: returns false when the entry did not fit, and must be given again. */
export interface DirectoryFiller {
  /** `nextOffset` is where a later call goes on after this entry; for readdirplus, `entry` is what lookup would return. */
  add(entry: DirectoryEntry, nextOffset: number): boolean;
  /** As add, for readdirplus. The kernel counts a lookup of `entry` when this returns true ('.' and '..' excepted). */
  addWithEntry(entry: DirectoryEntry, nextOffset: number, looked: Entry | undefined): boolean;
}

export interface FileSystemStatistics {
  blocks: number;
  blocksFree: number;
  blocksAvailable: number;
  files: number;
  filesFree: number;
  blockBytes: number;
  fragmentBytes: number;
  nameBytesMax: number;
}

export interface FuseOperations {
  lookup?(request: FuseRequest, name: ByteString): Entry | Parked;
  /** No reply exists for forget: it must not throw. */
  forget?(nodeId: number, lookups: number): void;
  getattr?(request: FuseRequest, handle: number | undefined): { attributes: Attributes; validMs: number };
  setattr?(
    request: FuseRequest,
    changes: AttributeChanges,
  ): { attributes: Attributes; validMs: number } | Parked;
  readlink?(request: FuseRequest): Buffer;
  symlink?(request: FuseRequest, name: ByteString, target: Buffer): Entry;
  mknod?(request: FuseRequest, name: ByteString, mode: number, rdev: number): Entry;
  mkdir?(request: FuseRequest, name: ByteString, mode: number): Entry;
  unlink?(request: FuseRequest, name: ByteString): void;
  rmdir?(request: FuseRequest, name: ByteString): void;
  /** `flags` as renameat2(2); 0 for plain rename. */
  rename?(
    request: FuseRequest,
    name: ByteString,
    newParent: number,
    newName: ByteString,
    flags: number,
  ): void;
  link?(request: FuseRequest, existing: number, name: ByteString): Entry;
  open?(request: FuseRequest, flags: number): Opened;
  /** `mode` has the caller's umask applied. */
  create?(
    request: FuseRequest,
    name: ByteString,
    flags: number,
    mode: number,
  ): { entry: Entry; opened: Opened };
  /** Fills target[0..n) and returns n; short only at the end of the file. */
  read?(request: FuseRequest, handle: number, offset: number, target: Buffer): number;
  /** Returns how many bytes were written. */
  write?(request: FuseRequest, write: WriteArguments): number | Parked;
  flush?(request: FuseRequest, handle: number): void | Parked;
  release?(request: FuseRequest, handle: number, openFlags: number): void | Parked;
  fsync?(request: FuseRequest, handle: number, dataOnly: boolean): void | Parked;
  opendir?(request: FuseRequest, flags: number): Opened;
  readdir?(request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void;
  readdirplus?(request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void;
  releasedir?(request: FuseRequest, handle: number): void;
  fsyncdir?(request: FuseRequest, handle: number, dataOnly: boolean): void | Parked;
  statfs?(request: FuseRequest): FileSystemStatistics;
  access?(request: FuseRequest, mask: number): void;
  setxattr?(request: FuseRequest, name: ByteString, value: Buffer, flags: number): void;
  /** With sizeMax 0 only the length of the value is told. */
  getxattr?(request: FuseRequest, name: ByteString, sizeMax: number): Buffer;
  listxattr?(request: FuseRequest, sizeMax: number): Buffer;
  removexattr?(request: FuseRequest, name: ByteString): void;
  fallocate?(request: FuseRequest, handle: number, offset: number, lengthBytes: number, mode: number): void;
  lseek?(request: FuseRequest, handle: number, offset: number, whence: number): number;
  copyFileRange?(
    request: FuseRequest,
    from: { handle: number; offset: number },
    to: { nodeId: number; handle: number; offset: number },
    lengthBytes: number,
  ): number | Parked;
  /** The caller of the request with number `unique` was interrupted. Answer it with EINTR if it is parked. */
  interrupt?(unique: number): void;
  destroy?(): void;
}

/** Answers to parked requests. A caller that has gone away meanwhile is not an error. */
export interface FuseReplies {
  replyError(request: FuseRequest, errno: number): void;
  replyEmpty(request: FuseRequest): void;
  replyWritten(request: FuseRequest, bytes: number): void;
  replyEntry(request: FuseRequest, entry: Entry): void;
  replyAttributes(request: FuseRequest, attributes: Attributes, validMs: number): void;
}

/** What INIT settled. A session that takes over an existing mount is given it, as the kernel does not repeat it. */
export interface Negotiated {
  protocolMinor: number;
  writeBytesMax: number;
  /** Both flag words of INIT that both sides hold, low word first. */
  flags: [number, number];
  /** The kernel hands unanswered requests out again on request. */
  canResend: boolean;
}
