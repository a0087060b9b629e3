import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { QueueError } from './errors.js';

/*
 * The beginning of an LMDB data file, as lmdb-js 3.5.6 writes it (MDB_page and MDB_meta in its mdb.c, 64-bit):
 *
 *    0 u64 page number   8 u64 transaction   16 u16 pad   18 u16 flags: 8 for a header page   20 u32 bounds
 *   24 u32 magic 0xBEEFC0DE      28 u32 version, 2 in the lower half
 *   48 u32 bytes of a page       52 u16 flags of the environment
 *
 * The second page is a header as well; the newer one of the two counts.
 */
const HEADER_BYTES = 64;
const HEADER_FLAG = 8;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;

/**
 * Throws QueueError `damaged` for what LMDB would refuse: the binding frees its memory twice when opening fails, which
 * ends the process. An empty file is one that is to be made.
 */
export function requireDataFile(file: string): void {
  const sizeBytes = sizeOf(file);
  if (sizeBytes === 0) return;
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  const pageBytes = header.readUInt32LE(48);
  const isHeader =
    (header.readUInt16LE(18) & HEADER_FLAG) !== 0 &&
    header.readUInt32LE(24) === MAGIC &&
    (header.readUInt32LE(28) & 0xffff) === VERSION;
  const fits = pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && sizeBytes >= 2 * pageBytes;
  if (!isHeader || !fits)
    throw new QueueError('damaged', `${file} is no database of this queue: set it aside`);
}

/** 0 also for what is not there. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
