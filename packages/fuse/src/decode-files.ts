/** Decoders of the requests on an open file or directory, and of those that count references. */
import type { RequestBody } from './body.js';
import { joinWords } from './bytes.js';
import { MalformedRequestError } from './errno.js';
import type { WriteArguments } from './operations.js';
import { FSYNC_DATA_ONLY, WRITE_FROM_CACHE, WRITE_HEADER_BYTES } from './protocol.js';

/** `0 u32 flags  4 u32 open_flags`; so is OPENDIR. */
export function decodeOpen(body: RequestBody): number {
  body.need(8);
  return body.word(0);
}

export interface ReadArguments {
  handle: number;
  offset: number;
  sizeBytes: number;
}

/**
 * `0 u64 fh  8 u64 offset  16 u32 size  20 u32 read_flags  24 u64 lock_owner  32 u32 flags  36 u32 padding`;
 * so are READDIR and READDIRPLUS. Fills `into`, as reads are many.
 */
export function decodeRead(body: RequestBody, into: ReadArguments): ReadArguments {
  body.need(40);
  into.handle = body.long(0);
  into.offset = body.position(8);
  into.sizeBytes = body.word(16);
  return into;
}

/**
 * `0 u64 fh  8 u64 offset  16 u32 size  20 u32 write_flags  24 u64 lock_owner  32 u32 flags  36 u32 padding
 * 40 data`. Fills `into`, as writes are many; the data stays where it is.
 */
export function decodeWrite(body: RequestBody, into: WriteArguments): WriteArguments {
  body.need(WRITE_HEADER_BYTES);
  into.handle = body.long(0);
  into.offset = body.position(8);
  const sizeBytes = body.word(16);
  into.fromCache = (body.word(20) & WRITE_FROM_CACHE) !== 0;
  into.openFlags = body.word(32);
  into.buffer = body.bytes;
  into.start = body.start + WRITE_HEADER_BYTES;
  into.end = into.start + sizeBytes;
  if (into.end !== body.end) throw new MalformedRequestError(`a write of ${sizeBytes} bytes with others`);
  return into;
}

/** `0 u64 fh  8 u32 unused  12 u32 padding  16 u64 lock_owner` */
export function decodeFlush(body: RequestBody): number {
  body.need(24);
  return body.long(0);
}

/** `0 u64 fh  8 u32 flags  12 u32 release_flags  16 u64 lock_owner`; so is RELEASEDIR. */
export function decodeRelease(body: RequestBody): { handle: number; openFlags: number } {
  body.need(24);
  return { handle: body.long(0), openFlags: body.word(8) };
}

/** `0 u64 fh  8 u32 fsync_flags  12 u32 padding`; so is FSYNCDIR. */
export function decodeFsync(body: RequestBody): { handle: number; dataOnly: boolean } {
  body.need(16);
  return { handle: body.long(0), dataOnly: (body.word(8) & FSYNC_DATA_ONLY) !== 0 };
}

export interface FallocateArguments {
  handle: number;
  offset: number;
  lengthBytes: number;
  mode: number;
}

/** `0 u64 fh  8 u64 offset  16 u64 length  24 u32 mode  28 u32 padding` */
export function decodeFallocate(body: RequestBody): FallocateArguments {
  body.need(32);
  return {
    handle: body.long(0),
    offset: body.position(8),
    lengthBytes: body.position(16),
    mode: body.word(24),
  };
}

/** `0 u64 fh  8 u64 offset  16 u32 whence  20 u32 padding` */
export function decodeLseek(body: RequestBody): { handle: number; offset: number; whence: number } {
  body.need(24);
  return { handle: body.long(0), offset: body.position(8), whence: body.word(16) };
}

export interface CopyFileRangeArguments {
  from: { handle: number; offset: number };
  to: { nodeId: number; handle: number; offset: number };
  lengthBytes: number;
}

/** `0 u64 fh_in  8 u64 off_in  16 u64 nodeid_out  24 u64 fh_out  32 u64 off_out  40 u64 len  48 u64 flags` */
export function decodeCopyFileRange(body: RequestBody): CopyFileRangeArguments {
  body.need(56);
  return {
    from: { handle: body.long(0), offset: body.position(8) },
    to: { nodeId: body.long(16), handle: body.long(24), offset: body.position(32) },
    lengthBytes: body.position(40),
  };
}

/** `0 u64 nlookup` */
export function decodeForget(body: RequestBody): number {
  body.need(8);
  return body.long(0);
}

const FORGET_ONE_BYTES = 16;

/** `0 u32 count  4 u32 dummy  8 count × (u64 nodeid, u64 nlookup)`. Refused as a whole when an item is missing. */
export function decodeBatchForget(body: RequestBody): { nodeId: number; lookups: number }[] {
  body.need(8);
  const count = body.word(0);
  body.need(8 + count * FORGET_ONE_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const at = 8 + index * FORGET_ONE_BYTES;
    return { nodeId: body.long(at), lookups: body.long(at + 8) };
  });
}

/** `0 u64 unique` of the request whose caller was interrupted, here without the resend mark. */
export function decodeInterrupt(body: RequestBody): number {
  body.need(8);
  return joinWords(body.word(0), body.word(4));
}
