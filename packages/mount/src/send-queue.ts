import { join } from 'node:path';
import { ExitStatus, type Log, type MountSettings } from '@k2hft/config';
import { cursorsOf, Forwarder } from '@k2hft/forwarder';
import { DirectQueue, lockQueue, QueueError, type QueueLock } from '@k2hft/queue';
import { BATCH_PREFIX_BYTES, inspectBatch, writeBatchHeader, type BatchFields } from '@k2hft/wire';
import { bootId } from './boot-id.js';
import { CommandError } from './failure.js';
import { SOFTWARE } from './software.js';

/** What of a batch does not depend on its place in the queue. */
export type SendFields = Omit<BatchFields, 'epoch' | 'sequence'>;

/** So much goes into one transaction: its flush then costs less than its bytes. */
const GROUP_BYTES = 8 * 1024 * 1024;

/** More is not copied ahead of the servers: what is not yet in the queue waits in its file. */
const QUEUE_BYTES_MAX = 512 * 1024 * 1024;

/** How often it is looked whether there is room, or everything is delivered. */
const LOOK_MS = 20;

/** Why waiting ended before everything was delivered. */
export class SendStopped extends CommandError {}

export interface SendQueueOptions {
  readonly settings: MountSettings;
  readonly log: Log;
  /** Without an acknowledgement for so long it gives up; undefined: never. */
  readonly timeoutMs: number | undefined;
  /** Aborted by a signal. */
  readonly stop: AbortSignal;
}

/**
 * The queue of `k2hft send`, in `<queue.dir>/send`, and the connections to the servers. What is added is gathered and
 * appended with the rows that say so.
 */
export class SendQueue {
  private batches: { sequence: number; bytes: Buffer }[] = [];
  private rows = new Map<string, Buffer>();
  private gatheredBytes = 0;
  private ackedAtMs = performance.now();

  private constructor(
    private readonly options: SendQueueOptions,
    private readonly lock: QueueLock,
    private readonly queue: DirectQueue,
    private readonly forwarder: Forwarder,
  ) {}

  static async open(options: SendQueueOptions): Promise<SendQueue> {
    const { settings, log } = options;
    const dir = join(settings.queue.dir, 'send');
    const lock = await lockQueue(dir, 'k2hft send');
    const maxSizeBytes = Math.min(settings.queue.maxSizeBytes, QUEUE_BYTES_MAX);
    const queue = await DirectQueue.open({
      dir,
      // The time of a batch is that of its file, which may be old: nothing expires.
      settings: { ...settings.queue, maxSizeBytes, expireMs: 0 },
      cursors: cursorsOf(settings.servers),
      inspect: inspectBatch,
      ...bootId(),
      onFault: ({ message }) => {
        log('error', `queue: ${message}`);
      },
    });
    let opened: SendQueue | undefined = undefined;
    const forwarder = new Forwarder({
      queue,
      servers: settings.servers,
      host: settings.host,
      software: SOFTWARE,
      log,
      onProgress: () => {
        opened?.acked();
      },
    });
    opened = new SendQueue(options, lock, queue, forwarder);
    forwarder.start();
    return opened;
  }

  get ledger(): ReadonlyMap<string, Buffer> {
    return this.queue.ledger();
  }

  /** A row as it will be when everything gathered is flushed. */
  row(key: string): Buffer | undefined {
    return this.rows.get(key) ?? this.ledger.get(key);
  }

  get epoch(): number {
    return this.queue.epoch();
  }

  get isDelivered(): boolean {
    const { epoch, sequence } = this.queue.floor();
    return epoch === this.queue.epoch() && sequence === this.queue.nextSequence();
  }

  /** Bytes that wait, about. */
  pendingBytes(): number {
    return Math.max(0, ...Object.values(this.queue.statistics().cursors).map(({ bytes }) => bytes));
  }

  /** Gathers a batch. What add() and note() were given since the last flush goes into one transaction. */
  add(fields: SendFields, attributes: Buffer, payload: Buffer): void {
    const sequence = this.queue.nextSequence() + this.batches.length;
    const payloadStart = BATCH_PREFIX_BYTES + attributes.length;
    const bytes = Buffer.allocUnsafe(payloadStart + payload.length);
    payload.copy(bytes, payloadStart);
    writeBatchHeader(
      bytes,
      payloadStart,
      bytes.length,
      { ...fields, epoch: this.epoch, sequence },
      attributes,
    );
    this.batches.push({ sequence, bytes });
    this.gatheredBytes += bytes.length;
  }

  note(key: string, row: Buffer): void {
    this.rows.set(key, row);
    this.gatheredBytes += key.length + row.length;
  }

  /** To be called where everything gathered belongs together. */
  async flushWhenMuch(): Promise<void> {
    if (this.gatheredBytes >= GROUP_BYTES) await this.flush();
  }

  /** Waits for room, as long as needed. Rejects with SendStopped, and what was gathered is not in the queue. */
  async flush(): Promise<void> {
    while (this.gatheredBytes > 0) {
      this.throwIfStopped();
      try {
        await this.queue.append(this.batches, this.rows);
        this.batches = [];
        this.rows = new Map();
        this.gatheredBytes = 0;
        this.forwarder.noticed();
        return;
      } catch (error) {
        const isFull = error instanceof QueueError && error.code === 'no_space';
        // Deliveries make room, if there are any to come.
        if (!isFull || this.isDelivered) throw error;
      }
      await pause();
    }
  }

  async delivered(): Promise<void> {
    while (!this.isDelivered) {
      this.throwIfStopped();
      await pause();
    }
  }

  async close(): Promise<void> {
    await this.forwarder.stop(this.isDelivered ? 0 : this.options.settings.shutdownTimeoutMs);
    await this.queue.close();
    await this.lock.release();
  }

  private acked(): void {
    this.ackedAtMs = performance.now();
  }

  private throwIfStopped(): void {
    const { stop, timeoutMs } = this.options;
    if (stop.aborted)
      throw new SendStopped(ExitStatus.TEMPORARY, 'stopped; the next call goes on where this one ends');
    // Nobody can acknowledge what is not there.
    if (this.isDelivered) this.ackedAtMs = performance.now();
    if (timeoutMs === undefined || performance.now() - this.ackedAtMs < timeoutMs) return;
    throw new SendStopped(
      ExitStatus.TEMPORARY,
      'no server has acknowledged anything within --timeout; the next call goes on where this one ends',
    );
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
