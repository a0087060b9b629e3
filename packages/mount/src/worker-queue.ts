import type { Log, QueueSettings } from '@k2hft/config';
import { HotQueue, Waker, type HotCounters } from '@k2hft/queue';
import {
  BATCH_PREFIX_BYTES,
  BatchFlag,
  decodeBatch,
  encodeAttributes,
  inspectBatch,
  readRecordCount,
  writeBatchHeader,
} from '@k2hft/wire';
import { bootId } from './boot-id.js';
import type { BuiltBatch } from './batch-builder.js';
import { isQueueFull, type MountQueue } from './mount-queue.js';
import type { PendingRows } from './pending-rows.js';

/** The queue as the worker uses it: knows what a batch is, and wakes the forwarder. */
export class WorkerQueue implements MountQueue {
  private unstoredReported = false;
  private appendedRecords = 0;

  private constructor(
    private readonly hot: HotQueue,
    private readonly waker: Waker,
    private readonly settings: QueueSettings,
    private readonly log: Log,
  ) {}

  /** `isBroadcast`: several servers each get everything. Throws QueueError. */
  static open(settings: QueueSettings, log: Log, isBroadcast = false): WorkerQueue {
    const { dir } = settings;
    const hot = HotQueue.open({ dir, settings, inspect: inspectBatch, isBroadcast, ...bootId() });
    return new WorkerQueue(hot, new Waker(dir), settings, log);
  }

  get epoch(): number {
    return this.hot.epoch;
  }

  nextSequence(): number {
    return this.hot.nextSequence();
  }

  append(batches: readonly BuiltBatch[], rows: ReadonlyMap<string, Uint8Array | undefined>): void {
    this.hot.append(batches, rows);
    for (const { bytes } of batches) this.appendedRecords += readRecordCount(bytes);
  }

  /** Stores the rows that are pending. On a full disk they stay pending, and are stored with the next ones. */
  putRows(rows: PendingRows): void {
    try {
      this.hot.putRows(rows.changes);
      rows.changes.clear();
      this.unstoredReported = false;
    } catch (error) {
      if (!isQueueFull(error)) throw error;
      if (!this.unstoredReported)
        this.log('warn', `names and handles cannot be stored: ${(error as Error).message}`);
      this.unstoredReported = true;
    }
  }

  row(key: string): Uint8Array | undefined {
    return this.hot.row(key);
  }

  rows(prefix: string): Iterable<[key: string, value: Uint8Array]> {
    return this.hot.rows(prefix);
  }

  roomBytes(): number {
    return this.hot.roomBytes();
  }

  /** What `df` shows of a virtual mount. */
  room(): { totalBytes: number; freeBytes: number } {
    return { totalBytes: this.settings.maxSizeBytes, freeBytes: this.hot.roomBytes() };
  }

  collect(): boolean {
    return this.hot.collect();
  }

  noteDropped(records: number, bytes: number): void {
    this.hot.noteDropped('queue_full', records, bytes);
  }

  dropOldest(bytes: number): void {
    this.hot.dropOldest(bytes);
    this.waker.wake();
  }

  /** Everything that was appended is durable or delivered. */
  allDurable(): boolean {
    const { epoch, sequence } = this.hot.checkpointed();
    return epoch === this.hot.epoch && sequence >= this.hot.nextSequence() - 1;
  }

  /** Asks for everything appended so far, and for the unfinished lines that are marked, to be made durable. */
  requestCheckpoint(): number {
    const ticket = this.hot.requestCheckpoint({
      epoch: this.hot.epoch,
      sequence: this.hot.nextSequence() - 1,
    });
    this.waker.wake();
    return ticket;
  }

  isDurable(ticket: number): boolean {
    return this.hot.isDurable(ticket);
  }

  wake(): void {
    this.waker.wake();
  }

  counters(): HotCounters {
    const { appended, dropped } = this.hot.counters();
    return { appended: { ...appended, records: this.appendedRecords }, dropped };
  }

  /** After loss of power: queues the unfinished lines that an fsync had made durable, in the new epoch. */
  recoverDurableRests(): void {
    const rests = this.hot.takeDurableRests();
    if (rests.length === 0) return;
    const first = this.hot.nextSequence();
    this.hot.append(rests.map(({ bytes }, index) => this.renumbered(bytes, first + index)));
    this.log('info', `${rests.length} unfinished lines that were synced before the power was lost are sent`);
    this.waker.wake();
  }

  close(): void {
    this.hot.close();
  }

  /** The same batch with a position of this epoch. */
  private renumbered(bytes: Buffer, sequence: number): BuiltBatch {
    const { path, host, payload, ...fields } = decodeBatch(bytes, 0);
    const attributes = encodeAttributes({ path, host });
    const payloadStart = BATCH_PREFIX_BYTES + attributes.length;
    const target = Buffer.allocUnsafe(payloadStart + payload.length);
    payload.copy(target, payloadStart);
    // The queue finds by this flag and the stream that the line is taken care of, should the power go once more.
    const flags = fields.flags | BatchFlag.DURABLE_FIRST;
    writeBatchHeader(
      target,
      payloadStart,
      target.length,
      { ...fields, epoch: this.epoch, sequence, flags },
      attributes,
    );
    return { sequence, bytes: target };
  }
}
