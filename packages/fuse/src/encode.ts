/** Encoders of the replies: each writes at `at` and returns the place behind what it wrote. */
import { writeInt64 } from './bytes.js';
import type { Attributes, Entry, FileSystemStatistics, FuseRequest, Opened } from './operations.js';
import { OPENED_FLAG } from './protocol.js';

const MS_PER_SECOND = 1000;
const NANOS_PER_MS = 1_000_000;

/** struct fuse_attr, struct fuse_entry_out. */
const ATTRIBUTES_BYTES = 88;
export const ENTRY_BYTES = 40 + ATTRIBUTES_BYTES;

/** `0 u32 len  4 i32 error  8 u64 unique`: `errno` is positive here and negative on the way. */
export function encodeReplyHeader(
  target: Buffer,
  lengthBytes: number,
  errno: number,
  request: FuseRequest,
): void {
  target.writeUInt32LE(lengthBytes, 0);
  target.writeInt32LE(-errno, 4);
  target.writeUInt32LE(request.uniqueLow, 8);
  target.writeUInt32LE(request.uniqueHigh, 12);
}

/**
 * ```
 *  0 u64 ino        8 u64 size       16 u64 blocks
 * 24 i64 atime     32 i64 mtime      40 i64 ctime
 * 48 u32 atimensec 52 u32 mtimensec  56 u32 ctimensec
 * 60 u32 mode      64 u32 nlink      68 u32 uid   72 u32 gid   76 u32 rdev   80 u32 blksize   84 u32 flags
 * ```
 */
function encodeAttributes(target: Buffer, at: number, attributes: Attributes): number {
  writeInt64(target, at, attributes.ino);
  writeInt64(target, at + 8, attributes.sizeBytes);
  writeInt64(target, at + 16, attributes.blocks);
  writeInt64(target, at + 24, attributes.atime.seconds);
  writeInt64(target, at + 32, attributes.mtime.seconds);
  writeInt64(target, at + 40, attributes.ctime.seconds);
  target.writeUInt32LE(attributes.atime.nanos, at + 48);
  target.writeUInt32LE(attributes.mtime.nanos, at + 52);
  target.writeUInt32LE(attributes.ctime.nanos, at + 56);
  target.writeUInt32LE(attributes.mode, at + 60);
  target.writeUInt32LE(attributes.nlink, at + 64);
  target.writeUInt32LE(attributes.uid, at + 68);
  target.writeUInt32LE(attributes.gid, at + 72);
  target.writeUInt32LE(attributes.rdev, at + 76);
  target.writeUInt32LE(attributes.blockBytes, at + 80);
  target.writeUInt32LE(0, at + 84);
  return at + ATTRIBUTES_BYTES;
}

/**
 * ```
 *  0 u64 nodeid  8 u64 generation  16 u64 entry_valid  24 u64 attr_valid
 * 32 u32 entry_valid_nsec  36 u32 attr_valid_nsec  40 struct fuse_attr
 * ```
 */
export function encodeEntry(target: Buffer, at: number, entry: Entry): number {
  writeInt64(target, at, entry.nodeId);
  writeInt64(target, at + 8, entry.generation);
  writeInt64(target, at + 16, wholeSeconds(entry.entryValidMs));
  writeInt64(target, at + 24, wholeSeconds(entry.attributesValidMs));
  target.writeUInt32LE(restNanos(entry.entryValidMs), at + 32);
  target.writeUInt32LE(restNanos(entry.attributesValidMs), at + 36);
  return encodeAttributes(target, at + 40, entry.attributes);
}

/** `0 u64 attr_valid  8 u32 attr_valid_nsec  12 u32 dummy  16 struct fuse_attr` */
export function encodeAttributesReply(
  target: Buffer,
  at: number,
  attributes: Attributes,
  validMs: number,
): number {
  writeInt64(target, at, wholeSeconds(validMs));
  target.writeUInt32LE(restNanos(validMs), at + 8);
  target.writeUInt32LE(0, at + 12);
  return encodeAttributes(target, at + 16, attributes);
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / MS_PER_SECOND);
}

function restNanos(ms: number): number {
  return Math.floor((ms % MS_PER_SECOND) * NANOS_PER_MS);
}

/** `0 u64 fh  8 u32 open_flags  12 i32 backing_id` */
export function encodeOpened(target: Buffer, at: number, opened: Opened): number {
  writeInt64(target, at, opened.handle);
  target.writeUInt32LE(
    (opened.directIo === true ? OPENED_FLAG.DIRECT_IO : 0) |
      (opened.keepCache === true ? OPENED_FLAG.KEEP_CACHE : 0) |
      (opened.nonSeekable === true ? OPENED_FLAG.NON_SEEKABLE : 0),
    at + 8,
  );
  target.writeUInt32LE(0, at + 12);
  return at + 16;
}

/** `0 u32 size  4 u32 padding`: the reply to WRITE, COPY_FILE_RANGE, and to GETXATTR and LISTXATTR with size 0. */
export function encodeSize(target: Buffer, at: number, sizeBytes: number): number {
  target.writeUInt32LE(sizeBytes, at);
  target.writeUInt32LE(0, at + 4);
  return at + 8;
}

/** `0 u64 offset` */
export function encodeOffset(target: Buffer, at: number, offset: number): number {
  writeInt64(target, at, offset);
  return at + 8;
}

/**
 * ```
 *  0 u64 blocks  8 u64 bfree  16 u64 bavail  24 u64 files  32 u64 ffree
 * 40 u32 bsize  44 u32 namelen  48 u32 frsize  52 u32 padding  56 u32 spare[6]
 * ```
 */
export function encodeStatistics(target: Buffer, at: number, statistics: FileSystemStatistics): number {
  writeInt64(target, at, statistics.blocks);
  writeInt64(target, at + 8, statistics.blocksFree);
  writeInt64(target, at + 16, statistics.blocksAvailable);
  writeInt64(target, at + 24, statistics.files);
  writeInt64(target, at + 32, statistics.filesFree);
  target.writeUInt32LE(statistics.blockBytes, at + 40);
  target.writeUInt32LE(statistics.nameBytesMax, at + 44);
  target.writeUInt32LE(statistics.fragmentBytes, at + 48);
  target.fill(0, at + 52, at + 80);
  return at + 80;
}
