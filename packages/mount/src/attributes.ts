import type { Attributes, Timestamp } from '@k2hft/fuse';
import type { BigIntStats } from 'node:fs';

/** The bits of st_mode, as in <sys/stat.h>. */
export const FILE_TYPE = 0o170000;
export const DIRECTORY = 0o040000;
export const REGULAR = 0o100000;
export const SYMLINK = 0o120000;
export const FIFO = 0o010000;
export const SOCKET = 0o140000;
export const PERMISSIONS = 0o7777;
const SET_GROUP_ID = 0o2000;

/** Blocks of st_blocks are always of this size. */
export const STAT_BLOCK_BYTES = 512;

/**
 * Inode numbers are numbers in the protocol's decoded form, which holds 53 bits. File systems that use more put
 * something that rarely differs into the upper bits, so the lower ones are kept.
 */
const INODE_BITS = 53;

const NANOS_PER_SECOND = 1_000_000_000n;

/** What the settings of the mount show instead of what is stored. Undefined shows what is stored. */
export interface Shown {
  /** Permission bits taken away. */
  readonly umask?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

export function isDirectoryMode(mode: number): boolean {
  return (mode & FILE_TYPE) === DIRECTORY;
}

export function isRegularMode(mode: number): boolean {
  return (mode & FILE_TYPE) === REGULAR;
}

/** Replaces, in place, what the settings show differently, and returns the same object. */
export function showAttributes(attributes: Attributes, shown: Shown): Attributes {
  // A symlink's permission bits mean nothing, and programs expect 0777.
  const masked = (attributes.mode & FILE_TYPE) !== SYMLINK;
  if (shown.umask !== undefined && masked) attributes.mode &= ~(shown.umask & PERMISSIONS);
  if (shown.uid !== undefined) attributes.uid = shown.uid;
  if (shown.gid !== undefined) attributes.gid = shown.gid;
  return attributes;
}

/** Nanoseconds since 1970, before it negative, as the pair that the protocol carries: nanos are never negative. */
export function timestampOf(nanos: bigint): Timestamp {
  const rest = nanos % NANOS_PER_SECOND;
  const within = rest < 0n ? rest + NANOS_PER_SECOND : rest;
  return { seconds: Number((nanos - within) / NANOS_PER_SECOND), nanos: Number(within) };
}

export function attributesOf(stat: BigIntStats): Attributes {
  return {
    ino: Number(BigInt.asUintN(INODE_BITS, stat.ino)),
    sizeBytes: Number(stat.size),
    blocks: Number(stat.blocks),
    atime: timestampOf(stat.atimeNs),
    mtime: timestampOf(stat.mtimeNs),
    ctime: timestampOf(stat.ctimeNs),
    mode: Number(stat.mode),
    nlink: Number(stat.nlink),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    rdev: Number(stat.rdev),
    blockBytes: Number(stat.blksize),
  };
}

/**
 * Group and mode of what is made in a directory: below one with the setgid bit the group is the directory's, and
 * directories hand the bit on, as inode(7) says.
 */
export function inheritGroup(
  parent: { mode: number; gid: number },
  made: { mode: number; gid: number },
): { mode: number; gid: number } {
  if ((parent.mode & SET_GROUP_ID) === 0) return { mode: made.mode, gid: made.gid };
  return { mode: isDirectoryMode(made.mode) ? made.mode | SET_GROUP_ID : made.mode, gid: parent.gid };
}
