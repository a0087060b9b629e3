import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, QueueSettings } from '@k2hft/config';
import { QueueError, VALUE_BYTES_MAX } from '@k2hft/queue';
import { BatchRelay, STAGES_MAX, type Batch, type Received } from '@k2hft/wire';
import { ServerError } from './errors.js';
import type { Position } from './positions.js';
import { RelayLedger } from './relay-ledger.js';
import { RelayLosses } from './relay-losses.js';
import type { Sink, SinkWait } from './sink.js';

/** What the relay needs of its queue: DirectQueue of @k2hft/queue has it. */
export interface RelayQueue {
  /** UUID of the queue. */
  readonly source: string;
  epoch(): number;
  nextSequence(): number;
  append(
    batches: readonly { sequence: number; bytes: Uint8Array }[],
    ledger: ReadonlyMap<string, Uint8Array>,
  ): Promise<void>;
  ledger(): ReadonlyMap<string, Uint8Array>;
  roomBytes(): number;
  dropOldest(bytes: number): { batches: number; records: number; bytes: number };
}

export interface RelaySinkOptions {
  readonly queue: RelayQueue;
  readonly settings: Pick<QueueSettings, 'dir' | 'whenFull'>;
  readonly log: Log;
  /** There is something new in the queue. */
  readonly stored: () => void;
}

/**
 * What is appended in one transaction: enough that its sync counts for little, and little enough that a small queue, which
 * empties while it is filled, has room for it now and then. A single batch may be longer.
 */
const APPEND_BYTES_MAX = 4 * 1024 * 1024;

/** More than a batch grows by being relayed: an origin and one more stage, of 16 bytes each. */
const GROWTH_BYTES_MAX = 100;

/** How often a full queue is tried again: servers that take something make room at any moment. */
const FULL_POLL_MS = 100;

/** How often a disk that fails is tried again. */
const FAULT_RETRY_MS = 1000;

/** A queue that is full for a shorter time is in order: its servers are a little slower than the sources. */
const BLOCKED_AFTER_MS = 1000;

/** Answers of the queue that may be others later. */
const PASSING = new Set(['no_space', 'no_room', 'store_failed', 'io']);

/**
 * Puts batches into the relay's own queue, from which a forwarder takes them to the next servers. A batch is appended in
 * one transaction with the row that says that it was, so it is in the queue once, whatever is killed when.
 */
export class RelaySink implements Sink {
  readonly #options: RelaySinkOptions;
  readonly #relay: BatchRelay;
  readonly #ledger: RelayLedger;
  readonly #losses: RelayLosses;
  #gathered: Received[] = [];
  #waitingBytes = 0;

  constructor(options: RelaySinkOptions) {
    const { queue, settings, log } = options;
    this.#options = options;
    this.#relay = new BatchRelay(queue.source);
    this.#ledger = new RelayLedger(queue.ledger());
    this.#losses = new RelayLosses(log, settings.whenFull);
  }

  /** What a full queue has given up since the start. */
  protected get given(): Readonly<{ batches: number; records: number; bytes: number }> {
    return this.#losses.total;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  admitSource(source: string): void {
    if (source === this.#options.queue.source) {
      throw new ServerError('loop', 'this relay sends to itself: take its own URL out of relay.servers.urls');
    }
  }

  admit({ route, totalBytes }: Batch): void {
    if (totalBytes > VALUE_BYTES_MAX - GROWTH_BYTES_MAX) {
      throw new ServerError(
        'too_long',
        `a batch of ${totalBytes} bytes is too long for the relay's queue: write shorter records`,
      );
    }
    if (route === undefined) return;
    const { source } = this.#options.queue;
    if (route.via.includes(source)) {
      throw new ServerError(
        'loop',
        `a batch that went through this relay (queue ${source}) comes back: relays send to each other in a circle. Take the URL that closes it out of servers.urls; until then the batch stays in the queue`,
      );
    }
    if (route.via.length >= STAGES_MAX) {
      throw new ServerError(
        'loop',
        `a batch has gone through ${route.via.length} relays, and this is one too many: send it to its destination on a shorter way`,
      );
    }
  }

  take(batch: Batch, source: string): void {
    if (!this.#ledger.take(source, batch)) return;
    this.#gathered.push({ batch, source });
    this.#waitingBytes += batch.totalBytes;
  }

  raiseFloor(source: string, floor: Position): void {
    this.#ledger.raiseFloor(source, floor);
  }

  async save(wait: SinkWait): Promise<void> {
    // What comes meanwhile is of a later group.
    for (let left = this.#gathered.length; left > 0;) left -= await this.#saveSome(left, wait);
  }

  close(): Promise<void> {
    this.#losses.say();
    return Promise.resolve();
  }

  /** Makes the first batches safe, at least one and at most `countMax`; returns how many. */
  async #saveSome(countMax: number, wait: SinkWait): Promise<number> {
    const startedMs = performance.now();
    for (let limit = countMax; ;) {
      wait.signal.throwIfAborted();
      const chunk = this.#firstOf(limit, Math.min(APPEND_BYTES_MAX, this.#options.queue.roomBytes()));
      const refused = await this.#tryAppend(chunk);
      if (refused === undefined) {
        return this.#settle(chunk);
      }
      const isFull = refused.code === 'no_space';
      if (isFull && chunk.length > 1) {
        limit = Math.ceil(chunk.length / 2);
        continue;
      }
      if (isFull && this.#makesRoom(chunk)) continue;
      if (isFull && this.#options.settings.whenFull === 'drop_newest') return this.#giveUp(chunk);
      if (!isFull || performance.now() - startedMs >= BLOCKED_AFTER_MS) wait.blocked(this.#reason(refused));
      await sleep(isFull ? FULL_POLL_MS : FAULT_RETRY_MS, undefined, { signal: wait.signal });
      limit = countMax;
    }
  }

  /** The first gathered batches: at least one, at most `countMax`, and no more than `bytesMax`. */
  #firstOf(countMax: number, bytesMax: number): Received[] {
    let bytes = 0;
    let count = 0;
    for (const received of this.#gathered) {
      bytes += this.#relay.size(received);
      if (count > 0 && (count >= countMax || bytes > bytesMax)) break;
      count++;
    }
    return this.#gathered.slice(0, count);
  }

  /** Undefined when it is in the queue, or why the queue does not take it now; then nothing has changed. */
  async #tryAppend(chunk: readonly Received[]): Promise<QueueError | undefined> {
    const { queue } = this.#options;
    try {
      await queue.append(this.#encode(chunk), this.#ledger.rowsWith(chunk));
      return undefined;
    } catch (error) {
      if (error instanceof QueueError && PASSING.has(error.code)) return error;
      throw error;
    }
  }

  #encode(chunk: readonly Received[]): { sequence: number; bytes: Buffer }[] {
    const { queue } = this.#options;
    const totalBytes = chunk.reduce((sum, received) => sum + this.#relay.size(received), 0);
    const target = Buffer.allocUnsafeSlow(totalBytes);
    const epoch = queue.epoch();
    const first = queue.nextSequence();
    let start = 0;
    return chunk.map((received, index) => {
      const sequence = first + index;
      const end = this.#relay.write(target, start, received, epoch, sequence);
      const bytes = target.subarray(start, end);
      start = end;
      return { sequence, bytes };
    });
  }

  #settle(chunk: readonly Received[]): number {
    this.#ledger.settled(chunk);
    this.#gathered = this.#gathered.slice(chunk.length);
    for (const { batch } of chunk) this.#waitingBytes -= batch.totalBytes;
    this.#options.stored();
    return chunk.length;
  }

  /** With `drop_oldest`: true when something was given up. */
  #makesRoom(chunk: readonly Received[]): boolean {
    if (this.#options.settings.whenFull !== 'drop_oldest') return false;
    const bytes = chunk.reduce((sum, received) => sum + this.#relay.size(received), 0);
    const dropped = this.#options.queue.dropOldest(Math.max(bytes, APPEND_BYTES_MAX));
    this.#losses.add(dropped);
    return dropped.batches > 0;
  }

  #giveUp(chunk: readonly Received[]): number {
    const records = chunk.reduce((sum, { batch }) => sum + batch.recordCount, 0);
    const bytes = chunk.reduce((sum, received) => sum + this.#relay.size(received), 0);
    this.#losses.add({ batches: chunk.length, records, bytes });
    return this.#settle(chunk);
  }

  #reason({ code, message }: QueueError): string {
    const { dir } = this.#options.settings;
    return code === 'no_space'
      ? `the relay's queue ${dir} is full: its servers do not take as much as comes (${message})`
      : `cannot write to the relay's queue ${dir}: ${message}`;
  }
}
