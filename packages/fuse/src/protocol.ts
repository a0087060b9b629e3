/**
 * Constants of the FUSE kernel protocol, version 7, from include/uapi/linux/fuse.h of Linux 6.18.
 * All numbers travel in the byte order of the host; this driver supports little-endian hosts.
 */
export const PROTOCOL_MAJOR = 7;
/** The newest minor version whose structures are spoken here (Linux 6.9, the first with RESEND). */
export const PROTOCOL_MINOR = 40;
/** From this minor version on the reply to INIT has its present size; Linux 3.15 and later. */
export const PROTOCOL_MINOR_LEAST = 23;

/** The node id of the mount's top directory. */
export const ROOT_NODE_ID = 1;

export const OPCODE = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  IOCTL: 39,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
} as const;

/** The first number above every opcode that is handled; the dispatch table's size. */
export const OPCODE_LIMIT = 64;

/** Flags of INIT, by bit number; 0 to 31 are in the low word, 32 to 63 in the high one. */
export const INIT_FLAG = {
  ASYNC_READ: 0,
  BIG_WRITES: 5,
  AUTO_INVAL_DATA: 12,
  DO_READDIRPLUS: 13,
  READDIRPLUS_AUTO: 14,
  PARALLEL_DIROPS: 18,
  MAX_PAGES: 22,
  INIT_EXT: 30,
  DIRECT_IO_ALLOW_MMAP: 36,
  HAS_RESEND: 39,
} as const;

/** Which fields of SETATTR count. */
export const ATTRIBUTE_VALID = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  HANDLE: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
} as const;

/** Flags in the reply to OPEN, OPENDIR and CREATE. */
export const OPENED_FLAG = { DIRECT_IO: 1 << 0, KEEP_CACHE: 1 << 1, NON_SEEKABLE: 1 << 2 } as const;

export const GETATTR_HAS_HANDLE = 1 << 0;
export const WRITE_FROM_CACHE = 1 << 0;
export const FSYNC_DATA_ONLY = 1 << 0;

/** Asks the kernel to hand out again what was read and not answered (7.40). */
export const NOTIFY_RESEND = 7;
export const NOTIFY_INVALIDATE_INODE = 2;
export const NOTIFY_INVALIDATE_ENTRY = 3;

/** The kernel counts requests in steps of two; the odd number above belongs to a request's INTERRUPT. */
export const UNIQUE_STEP = 2;

/** struct fuse_in_header and struct fuse_out_header. */
export const REQUEST_HEADER_BYTES = 40;
export const REPLY_HEADER_BYTES = 16;
/** struct fuse_write_in, which stands between the header and the data of a WRITE. */
export const WRITE_HEADER_BYTES = 40;

/** The kernel refuses to fill a read buffer that is smaller than max_write and this. */
export const REQUEST_OVERHEAD_BYTES = 4096;

/** What a reply to READ or READDIR holds at most when MAX_PAGES was not settled: 32 pages of 4 KiB. */
export const DATA_BYTES_DEFAULT = 128 * 1024;
/** The most that MAX_PAGES can settle with the kernel's default limit: 256 pages of 4 KiB. */
export const DATA_BYTES_MAX = 1024 * 1024;
export const PAGE_BYTES = 4096;
