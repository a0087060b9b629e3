import assert from 'node:assert/strict';
import { writeInt64 } from './bytes.js';
import { ENTRY_BYTES, encodeEntry } from './encode.js';
import type { DirectoryEntry, DirectoryFiller, Entry } from './operations.js';

const DIRENT_BYTES = 24;
const ALIGNMENT_BYTES = 8;
/** Where the file type stands in st_mode. */
const TYPE_SHIFT = 12;
const TYPE_MASK = 0o17;

/**
 * Writes directory entries into a reply. READDIR takes a row of
 *
 * ```
 * 0 u64 ino  8 u64 off  16 u32 namelen  20 u32 type  24 name, padded with zeros to a multiple of 8
 * ```
 *
 * and READDIRPLUS the same with a struct fuse_entry_out in front of each. An entry whose node id is 0 tells the
 * kernel no more than READDIR would: that is how a file system without readdirplus answers it.
 */
export class ReplyFiller implements DirectoryFiller {
  private target: Buffer = Buffer.alloc(0);
  private limit = 0;
  private plus = false;
  /** The place behind the last entry. */
  end = 0;

  /** Entries go into target[from..limit) from now on. */
  begin(target: Buffer, from: number, limit: number, plus: boolean): void {
    this.target = target;
    this.end = from;
    this.limit = limit;
    this.plus = plus;
  }

  add(entry: DirectoryEntry, nextOffset: number): boolean {
    return this.put(entry, nextOffset, undefined);
  }

  addWithEntry(entry: DirectoryEntry, nextOffset: number, looked: Entry | undefined): boolean {
    return this.put(entry, nextOffset, looked);
  }

  private put(entry: DirectoryEntry, nextOffset: number, looked: Entry | undefined): boolean {
    // The kernel gives up the whole directory with EIO for such a name.
    assert(entry.name !== '' && !entry.name.includes('/'), 'a directory entry needs a name without a slash');
    const direntAt = this.end + (this.plus ? ENTRY_BYTES : 0);
    const nameEnd = direntAt + DIRENT_BYTES + entry.name.length;
    const next = direntAt + alignedBytes(DIRENT_BYTES + entry.name.length);
    if (next > this.limit) return false;
    if (this.plus) this.putLooked(looked);
    writeInt64(this.target, direntAt, entry.ino);
    writeInt64(this.target, direntAt + 8, nextOffset);
    this.target.writeUInt32LE(entry.name.length, direntAt + 16);
    this.target.writeUInt32LE((entry.mode >>> TYPE_SHIFT) & TYPE_MASK, direntAt + 20);
    this.target.write(entry.name, direntAt + DIRENT_BYTES, 'latin1');
    this.target.fill(0, nameEnd, next);
    this.end = next;
    return true;
  }

  private putLooked(looked: Entry | undefined): void {
    if (looked === undefined) this.target.fill(0, this.end, this.end + ENTRY_BYTES);
    else encodeEntry(this.target, this.end, looked);
  }
}

function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
