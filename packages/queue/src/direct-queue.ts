import assert from 'node:assert';
import { mkdirSync } from 'node:fs';
import { NO_AMOUNT, type Amount } from './counters.js';
import { Cursors } from './cursors.js';
import { DirectWriter } from './direct-writer.js';
import { DrainBooks } from './drain-books.js';
import { DrainState } from './drain-state.js';
import { DrainedQueue, type DrainedQueueOptions } from './drained-queue.js';
import { attempt } from './fault-reporter.js';
import type { RowChanges } from './hot-queue.js';
import { currentBootId } from './hot-folder.js';
import { NoHot } from './hot-tier.js';
import { raiseEpoch } from './identity.js';
import { STATE_SAVE_MS, VALUE_BYTES_MAX } from './limits.js';
import { SEQUENCE_MAX } from './range-set.js';
import { Store } from './store.js';
import type { StoreEntry } from './store-file.js';
import { ToldWriter } from './told-file.js';

export type DirectQueueOptions = DrainedQueueOptions;

/** A batch with the sequence that its bytes carry. */
export interface DirectBatch {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Unlinking, saving, expiring. */
const TICK_MS = 250;

/**
 * The queue of a process that both appends and drains. It has no hot: each append is one crash-proof transaction in
 * the store's newest file, with the batches and with rows of a ledger: see direct-writer.ts.
 *
 * Each opening begins a new epoch, so no position is ever given twice.
 */
export class DirectQueue extends DrainedQueue<NoHot> {
  private readonly writer: DirectWriter;
  private lastSequence = 0;

  private constructor(
    private readonly options: DirectQueueOptions,
    source: string,
    books: DrainBooks<NoHot>,
  ) {
    super(options, source, books);
    const { dir, settings } = options;
    this.writer = new DirectWriter(dir, settings, books, () => this.writing.run(() => books.unlinkCovered()));
  }

  /** Throws QueueError `no_room` when the disk is too full to open what is needed, `damaged` for its identity. */
  static async open(options: DirectQueueOptions): Promise<DirectQueue> {
    const { dir, settings, inspect, bootId = currentBootId() } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const state = DrainState.open(dir);
    try {
      const store = Store.open(dir, settings, options.onFault);
      const { source, epoch } = raiseEpoch(dir);
      const told = new ToldWriter(dir, bootId);
      const record = state.cursors();
      const cursors = new Cursors(record, options.cursors, record && store.last);
      cursors.giveUpBelow(told.told.floor);
      for (const leftOut of store.leftOut()) cursors.giveUpAll(leftOut);
      closeEpochs(cursors, store, epoch);
      if (cursors.beginsBehind) await state.save(cursors.record(), state.losses());
      const books = new DrainBooks({ hot: new NoHot(epoch), store, state, cursors, told, inspect });
      books.changed();
      const queue = new DirectQueue(options, source, books);
      queue.start();
      return queue;
    } catch (error) {
      await state.close();
      throw error;
    }
  }

  /** The sequence that the next batch must carry. */
  nextSequence(): number {
    return this.lastSequence + 1;
  }

  /**
   * Batches with consecutive sequences from nextSequence(), and rows of the ledger, in one transaction; on disk when
   * it resolves. Their bytes must not change until then. One call at a time. Rejects with QueueError `no_space` when
   * the queue or the disk is full, or with that of a fault: then nothing of it is there, and it may be called again.
   */
  async append(batches: readonly DirectBatch[], ledger: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const first = this.nextSequence();
    const entries = batches.map(({ sequence, bytes }, index) => {
      assert(sequence === first + index, 'batches are appended in sequence');
      assert(bytes.length <= VALUE_BYTES_MAX, 'a batch has a limit');
      return this.entry(sequence, bytes);
    });
    await this.write(entries, ledger);
    this.lastSequence += entries.length;
    const { last } = this.books.store;
    this.books.moved(last, {});
    this.books.forgetUnwanted();
  }

  /**
   * Every row of the ledger as of the last append that is on disk. It is exactly as consistent with the batches as
   * they were appended, after any crash. A live view: it changes with each append.
   */
  ledger(): ReadonlyMap<string, Buffer> {
    return this.writer.rows;
  }

  /** Removes rows of the ledger; on disk when it resolves. Rejects as append() does, and is one call of it. */
  async forget(keys: Iterable<string>): Promise<void> {
    const removed = [...keys].filter((key) => this.writer.rows.has(key));
    if (removed.length > 0) await this.write([], new Map(removed.map((key) => [key, undefined])));
  }

  /** Bytes that may be appended before the queue is full. A little too few rather than too many; costs nothing. */
  roomBytes(): number {
    return this.writer.roomBytes;
  }

  /** Makes room for `bytes` by giving up whole files of the store, oldest first; in a broadcast for those that are behind. */
  dropOldest(bytes: number): Amount {
    this.writer.measureRoom();
    const missingBytes = bytes - this.writer.roomBytes;
    if (missingBytes <= 0) return NO_AMOUNT;
    const dropped = attempt(
      this.fault,
      () => this.books.giveUpOldest(missingBytes, this.writer.unneeded()),
      NO_AMOUNT,
    );
    this.books.changed();
    this.writer.measureRoom();
    this.tidy();
    return dropped;
  }

  /** Nobody else writes into this queue. */
  noticed(): void {
    this.books.forgetUnwanted();
  }

  /** Saves the cursors. */
  async checkpoint(): Promise<void> {
    await this.writing.run(() => this.books.save());
  }

  /** After the last append has settled. */
  override async close(): Promise<void> {
    if (this.isClosed) return;
    await this.writing.run(() => this.tidyNow()).catch(this.fault);
    await super.close();
  }

  protected override needsCheckpoint(): void {
    // What is appended is in the store.
  }

  private start(): void {
    this.timer = setInterval(() => {
      if (!this.faults.failedLately) this.tidy();
    }, TICK_MS);
    this.timer.unref();
  }

  private tidy(): void {
    if (this.isClosed || this.writing.isBusy) return;
    this.writing.run(() => this.tidyNow()).catch(this.fault);
  }

  private async tidyNow(): Promise<void> {
    if (this.isClosed) return;
    this.books.state.clearDeadReaders();
    this.expiry.run();
    await this.books.unlinkCovered();
    await this.books.saveWhenOlderThan(STATE_SAVE_MS);
    this.writer.measureRoom();
  }

  private entry(sequence: number, bytes: Uint8Array): StoreEntry {
    const view = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      position: { epoch: this.epoch(), sequence },
      bytes: view,
      records: this.options.inspect(view).records,
    };
  }

  private async write(entries: readonly StoreEntry[], changes: RowChanges): Promise<void> {
    assert(!this.isClosed, 'the queue is open');
    await this.writer.write({ epoch: this.epoch(), sequence: this.nextSequence() }, entries, changes);
    this.faults.cleared();
  }
}

/** What of earlier epochs is not in the store will never come. */
function closeEpochs(cursors: Cursors, store: Store, present: number): void {
  for (let { epoch } = cursors.gone.floor; epoch < present; epoch++) {
    cursors.giveUp(epoch, store.lastInEpoch(epoch) + 1, SEQUENCE_MAX);
  }
}
