/** Decoders of the requests about attributes, plain and extended. */
import type { RequestBody } from './body.js';
import { readInt64 } from './bytes.js';
import { MalformedRequestError } from './errno.js';
import type { AttributeChanges, ByteString, Timestamp } from './operations.js';
import { ATTRIBUTE_VALID, GETATTR_HAS_HANDLE } from './protocol.js';

/** `0 u32 getattr_flags  4 u32 dummy  8 u64 fh` */
export function decodeGetattr(body: RequestBody): number | undefined {
  body.need(16);
  return (body.word(0) & GETATTR_HAS_HANDLE) === 0 ? undefined : body.long(8);
}

/**
 * ```
 *  0 u32 valid      4 u32 padding   8 u64 fh        16 u64 size     24 u64 lock_owner
 * 32 i64 atime     40 i64 mtime    48 i64 ctime
 * 56 u32 atimensec 60 u32 mtimensec 64 u32 ctimensec
 * 68 u32 mode      72 u32 unused   76 u32 uid       80 u32 gid      84 u32 unused
 * ```
 */
export function decodeSetattr(body: RequestBody): AttributeChanges {
  body.need(88);
  const valid = body.word(0);
  const changes: AttributeChanges = {};
  if ((valid & ATTRIBUTE_VALID.MODE) !== 0) changes.mode = body.word(68);
  if ((valid & ATTRIBUTE_VALID.UID) !== 0) changes.uid = body.word(76);
  if ((valid & ATTRIBUTE_VALID.GID) !== 0) changes.gid = body.word(80);
  if ((valid & ATTRIBUTE_VALID.SIZE) !== 0) changes.sizeBytes = body.position(16);
  if ((valid & ATTRIBUTE_VALID.HANDLE) !== 0) changes.handle = body.long(8);
  if ((valid & ATTRIBUTE_VALID.ATIME_NOW) !== 0) changes.atime = 'now';
  else if ((valid & ATTRIBUTE_VALID.ATIME) !== 0) changes.atime = timestamp(body, 32, 56);
  if ((valid & ATTRIBUTE_VALID.MTIME_NOW) !== 0) changes.mtime = 'now';
  else if ((valid & ATTRIBUTE_VALID.MTIME) !== 0) changes.mtime = timestamp(body, 40, 60);
  return changes;
}

function timestamp(body: RequestBody, secondsAt: number, nanosAt: number): Timestamp {
  return { seconds: readInt64(body.bytes, body.start + secondsAt), nanos: body.word(nanosAt) };
}

/** `0 u32 mask  4 u32 padding` */
export function decodeAccess(body: RequestBody): number {
  body.need(8);
  return body.word(0);
}

/** `0 u32 size  4 u32 flags  8 name\0value`: the form without FUSE_SETXATTR_EXT, which is not settled. */
export function decodeSetxattr(body: RequestBody): { name: ByteString; value: Buffer; flags: number } {
  body.need(8);
  const sizeBytes = body.word(0);
  const valueStart = body.start + body.stringEnd(8) + 1;
  if (valueStart + sizeBytes !== body.end) throw new MalformedRequestError('a value of another size');
  // A copy: the file system may keep it.
  const value = Buffer.from(body.bytes.subarray(valueStart, body.end));
  return { name: body.string(8), value, flags: body.word(4) };
}

/** `0 u32 size  4 u32 padding  8 name\0` */
export function decodeGetxattr(body: RequestBody): { name: ByteString; sizeMax: number } {
  body.need(8);
  return { sizeMax: body.word(0), name: body.string(8) };
}

/** `0 u32 size  4 u32 padding` */
export function decodeListxattr(body: RequestBody): number {
  body.need(8);
  return body.word(0);
}

/** `name\0` */
export function decodeRemovexattr(body: RequestBody): ByteString {
  return body.string(0);
}
