import { QueueError, type HotCounters } from '@k2hft/queue';
import type { CaptureQueue } from './capture.js';
import type { PendingRows } from './pending-rows.js';

/** What the worker needs of a queue. */
export interface MountQueue extends CaptureQueue {
  /** Stores the rows that are pending; on a full disk they stay pending, and are stored with the next ones. */
  putRows(rows: PendingRows): void;
  /** Bytes that may be appended before the queue is full. */
  roomBytes(): number;
  /** What `df` shows of a virtual mount. */
  room(): { totalBytes: number; freeBytes: number };
  /** Looks for room. True when something has changed. */
  collect(): boolean;
  noteDropped(records: number, bytes: number): void;
  dropOldest(bytes: number): void;
  /** Everything that was appended is durable or delivered. */
  allDurable(): boolean;
  /**
   * Asks for everything appended so far, and for the unfinished lines that are marked, to be made durable. Returns
   * a ticket for isDurable().
   */
  requestCheckpoint(): number;
  isDurable(ticket: number): boolean;
  /** Tells the forwarder that there is something new. */
  wake(): void;
  counters(): HotCounters;
  /** After loss of power: queues the unfinished lines that an fsync had made durable. */
  recoverDurableRests(): void;
  close(): void;
}

/** Whether an error of append() means that there is no room. */
export function isQueueFull(error: unknown): boolean {
  return error instanceof QueueError && error.code === 'no_space';
}
