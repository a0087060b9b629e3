import type { Log, QueueSettings } from '@k2hft/config';
import { QueueError, type HotCounters } from '@k2hft/queue';
import type { MountQueue } from './mount-queue.js';
import type { PendingRows } from './pending-rows.js';
import { WorkerQueue } from './worker-queue.js';

/** Rows that count up: of nodes, handles and streams. */
const COUNTER_KEYS = ['nc', 'hc', 'c'] as const;
const RETRY_MS = 1000;
/** EX_TEMPFAIL of sysexits.h: the supervisor starts another worker. */
const QUEUE_IS_BACK_STATUS = 75;

/**
 * Stands for a queue that cannot be opened, so that the mount is served all the same: names and reads work,
 * what should be sent finds no room. Rows live in memory. It tries to open the queue once a second; when
 * that succeeds the rows are stored there and this process ends, so that a worker with the queue takes over. The
 * writes that wait come to it again.
 */
export class UnavailableQueue implements MountQueue {
  readonly epoch = 0;
  private readonly stored = new Map<string, Uint8Array>();
  private triedAtMs = performance.now();

  constructor(
    private readonly settings: QueueSettings,
    private readonly mountId: string,
    private readonly mountIdKey: string,
    private readonly log: Log,
  ) {
    // Numbers that no other worker has given out: the kernel may still know nodes of an earlier one.
    const base = Buffer.from(String(Date.now() * 1000));
    for (const key of COUNTER_KEYS) this.stored.set(key, base);
  }

  nextSequence(): number {
    return 1;
  }

  append(batches: readonly unknown[], rows: ReadonlyMap<string, Uint8Array | undefined>): void {
    if (batches.length > 0) throw new QueueError('no_space', 'the queue cannot be opened');
    for (const [key, value] of rows) {
      if (value === undefined) this.stored.delete(key);
      else this.stored.set(key, Buffer.from(value));
    }
  }

  putRows(rows: PendingRows): void {
    this.append([], rows.changes);
    rows.changes.clear();
  }

  row(key: string): Uint8Array | undefined {
    return this.stored.get(key);
  }

  rows(prefix: string): Iterable<[key: string, value: Uint8Array]> {
    return [...this.stored].filter(([key]) => key.startsWith(prefix));
  }

  roomBytes(): number {
    return 0;
  }

  room(): { totalBytes: number; freeBytes: number } {
    return { totalBytes: this.settings.maxSizeBytes, freeBytes: 0 };
  }

  collect(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.triedAtMs < RETRY_MS) return false;
    this.triedAtMs = nowMs;
    let queue: WorkerQueue;
    try {
      queue = WorkerQueue.open(this.settings, this.log);
    } catch {
      return false;
    }
    this.handOver(queue);
  }

  noteDropped(): void {
    // Nothing can be counted durably here; the log has said that the queue is not there.
  }

  dropOldest(): void {
    // There is nothing to drop.
  }

  allDurable(): boolean {
    return true;
  }

  requestCheckpoint(): number {
    return 0;
  }

  isDurable(): boolean {
    return false;
  }

  wake(): void {
    // The forwarder has nothing to fetch.
  }

  counters(): HotCounters {
    const nothing = { batches: 0, records: 0, bytes: 0 };
    return { appended: nothing, dropped: {} };
  }

  recoverDurableRests(): void {
    // They stay in the state until a worker has the queue.
  }

  close(): void {
    // Nothing is open.
  }

  private handOver(queue: WorkerQueue): never {
    const storedId = queue.row(this.mountIdKey);
    // Rows of an earlier mount are swept by a worker that finds another mount's id: then ours would go with them.
    const sameMount = storedId !== undefined && Buffer.from(storedId).toString() === this.mountId;
    if (sameMount) queue.append([], this.stored);
    queue.close();
    this.log('info', 'the queue can be opened again');
    process.exit(QUEUE_IS_BACK_STATUS);
  }
}
