import { diskSpace, minFreeBytes } from './disk-space.js';
import type { Usage } from './environment.js';
import { OPEN_RESERVE_BYTES, ROOM_CHECK_BYTES } from './limits.js';
import type { QueueOptions } from './settings.js';

const PAGE_BYTES = 4096;

/** A value up to this size shares its page with others. */
const INLINE_BYTES_MAX = 2000;

/** Key, node header and offset of a value that shares its page. */
const NODE_BYTES = 32;

/**
 * How much may still be written. Measured with one statfs now and then; in between what is written is subtracted,
 * and nothing is added for what is deleted.
 */
export class Room {
  private sizeBytes = 0;
  private diskBytes = 0;
  private freeOnDiskBytes = 0;
  private sinceBytes = 0;

  constructor(
    private readonly directory: string,
    private readonly options: QueueOptions,
    private readonly reserveBytes = OPEN_RESERVE_BYTES,
  ) {}

  /** Pages inside of hot's file that hold nothing count as free: they are used before the file grows. */
  measure(hot: Usage, storeBytes: number): void {
    const space = diskSpace(this.directory);
    const insideBytes = Math.max(0, hot.fileBytes - hot.usedBytes);
    const keepBytes = Math.max(this.reserveBytes, minFreeBytes(this.options.minFree, space));
    this.sizeBytes = this.options.maxSizeBytes - hot.usedBytes - storeBytes;
    this.diskBytes = space.availableBytes - keepBytes + insideBytes;
    this.freeOnDiskBytes = space.availableBytes - OPEN_RESERVE_BYTES + insideBytes;
    this.sinceBytes = 0;
  }

  wrote(valueBytes: number): void {
    this.sinceBytes += footprintBytes(valueBytes);
  }

  get isStale(): boolean {
    return this.sinceBytes >= ROOM_CHECK_BYTES;
  }

  /** Before the queue is full, by either of its bounds. */
  get leftBytes(): number {
    return Math.max(0, Math.min(this.sizeBytes, this.diskBytes) - this.sinceBytes);
  }

  /** Whether the disk itself can take it, and LMDB environments can still be opened after that. */
  diskTakes(bytes: number): boolean {
    return this.freeOnDiskBytes - this.sinceBytes >= bytes;
  }
}

/** What a value takes in LMDB's pages, at most. */
export function footprintBytes(valueBytes: number): number {
  if (valueBytes <= INLINE_BYTES_MAX) return valueBytes + NODE_BYTES;
  return Math.ceil((valueBytes + NODE_BYTES) / PAGE_BYTES) * PAGE_BYTES + NODE_BYTES;
}
