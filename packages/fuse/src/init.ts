/** INIT, the first request of a mount: what the kernel offers, and what of it is taken. Pure. */
import { MalformedRequestError } from './errno.js';
import type { RequestBody } from './body.js';
import type { Negotiated } from './operations.js';
import {
  DATA_BYTES_DEFAULT,
  DATA_BYTES_MAX,
  INIT_FLAG,
  PAGE_BYTES,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
} from './protocol.js';

/** Flag words, low one first. */
export type FlagWords = [number, number];

export interface InitOffer {
  major: number;
  minor: number;
  readaheadBytesMax: number;
  flags: FlagWords;
}

/**
 * Taken when the kernel offers them. Left out with a reason:
 * - WRITEBACK_CACHE: write(2) would return before the file system has seen the bytes;
 * - ATOMIC_O_TRUNC: truncation comes as a SETATTR of its own, which is one way less to truncate;
 * - POSIX_LOCKS, FLOCK_LOCKS: the kernel's local locks serve all programs of this host;
 * - DONT_MASK: the kernel applies the caller's umask;
 * - HANDLE_KILLPRIV: the kernel removes setuid bits with a SETATTR.
 */
const WANTED = [
  INIT_FLAG.ASYNC_READ,
  INIT_FLAG.BIG_WRITES,
  INIT_FLAG.AUTO_INVAL_DATA,
  INIT_FLAG.DO_READDIRPLUS,
  INIT_FLAG.READDIRPLUS_AUTO,
  INIT_FLAG.PARALLEL_DIROPS,
  INIT_FLAG.MAX_PAGES,
  INIT_FLAG.INIT_EXT,
  INIT_FLAG.DIRECT_IO_ALLOW_MMAP,
  INIT_FLAG.HAS_RESEND,
];

const BITS_PER_WORD = 32;
/** The part of struct fuse_init_in that every version has, and the whole. */
const INIT_IN_BYTES = 16;
const INIT_IN_EXTENDED_BYTES = 64;
/** struct fuse_init_out. */
export const INIT_OUT_BYTES = 64;

/** `0 u32 major  4 u32 minor  8 u32 max_readahead  12 u32 flags  16 u32 flags2  20 u32 unused[11]` */
export function decodeInit(body: RequestBody): InitOffer {
  body.need(INIT_IN_BYTES);
  const low = body.word(12);
  const extended = hasBit([low, 0], INIT_FLAG.INIT_EXT);
  if (extended && body.end - body.start < INIT_IN_EXTENDED_BYTES)
    throw new MalformedRequestError('a short INIT');
  return {
    major: body.word(0),
    minor: body.word(4),
    readaheadBytesMax: body.word(8),
    flags: [low, extended ? body.word(16) : 0],
  };
}

/** What both sides hold to from now on. */
export function settle(offer: InitOffer, writeBytesWanted: number): Negotiated {
  const flags: FlagWords = [0, 0];
  for (const bit of WANTED) if (hasBit(offer.flags, bit)) setBit(flags, bit);
  const writeBytesLimit = hasBit(flags, INIT_FLAG.MAX_PAGES) ? DATA_BYTES_MAX : DATA_BYTES_DEFAULT;
  const pages = Math.max(1, Math.floor(Math.min(writeBytesWanted, writeBytesLimit) / PAGE_BYTES));
  return {
    protocolMinor: Math.min(offer.minor, PROTOCOL_MINOR),
    writeBytesMax: pages * PAGE_BYTES,
    flags,
    canResend: hasBit(flags, INIT_FLAG.HAS_RESEND),
  };
}

/**
 * ```
 *  0 u32 major           4 u32 minor                  8 u32 max_readahead  12 u32 flags
 * 16 u16 max_background 18 u16 congestion_threshold  20 u32 max_write      24 u32 time_gran
 * 28 u16 max_pages      30 u16 map_alignment         32 u32 flags2         36 u32 unused[7]
 * ```
 * The two counts of background requests stay 0: the kernel's defaults.
 */
export function encodeInit(target: Buffer, at: number, offer: InitOffer, settled: Negotiated): number {
  target.fill(0, at, at + INIT_OUT_BYTES);
  target.writeUInt32LE(PROTOCOL_MAJOR, at);
  target.writeUInt32LE(settled.protocolMinor, at + 4);
  target.writeUInt32LE(offer.readaheadBytesMax, at + 8);
  target.writeUInt32LE(settled.flags[0], at + 12);
  target.writeUInt32LE(settled.writeBytesMax, at + 20);
  // Times are kept to the nanosecond.
  target.writeUInt32LE(1, at + 24);
  const pages = Math.max(settled.writeBytesMax, DATA_BYTES_DEFAULT) / PAGE_BYTES;
  target.writeUInt16LE(pages, at + 28);
  target.writeUInt32LE(settled.flags[1], at + 32);
  return at + INIT_OUT_BYTES;
}

function hasBit(words: FlagWords, bit: number): boolean {
  const word = bit < BITS_PER_WORD ? words[0] : words[1];
  return ((word >>> (bit % BITS_PER_WORD)) & 1) === 1;
}

function setBit(words: FlagWords, bit: number): void {
  const mask = 1 << (bit % BITS_PER_WORD);
  if (bit < BITS_PER_WORD) words[0] = (words[0] | mask) >>> 0;
  else words[1] = (words[1] | mask) >>> 0;
}
