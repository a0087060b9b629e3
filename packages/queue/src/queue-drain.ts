import { mkdirSync } from 'node:fs';
import type { QueuedBatch } from './batch-reader.js';
import { CheckpointSchedule } from './checkpoint-schedule.js';
import { Cursors } from './cursors.js';
import { DrainBooks } from './drain-books.js';
import { DrainState } from './drain-state.js';
import { DrainedQueue, type DrainedQueueOptions } from './drained-queue.js';
import { supersededRests } from './durable-rests.js';
import { attempt } from './fault-reporter.js';
import { HotAdoption } from './hot-adoption.js';
import { currentBootId, hotMapBytes } from './hot-folder.js';
import { HotView } from './hot-view.js';
import { loadIdentity } from './identity.js';
import { STATE_SAVE_MS } from './limits.js';
import { pendingAmount } from './pending.js';
import { comparePositions, type Position } from './position.js';
import type { QueueOptions } from './settings.js';
import { Store } from './store.js';
import { ToldWriter } from './told-file.js';

export interface QueueDrainOptions extends DrainedQueueOptions {
  /** Gets whatever read() returns. It must be quick, and keep none of the bytes. */
  readonly onRead?: (batches: readonly QueuedBatch[]) => void;
}

/** How often ages are looked at: a quarter of the checkpoint's age, within these bounds. */
const TICK_MS_MIN = 20;
const TICK_MS_MAX = 250;

/**
 * The forwarder's end of the queue: reads, acks, and brings to the disk what stays. It writes the store, the state
 * and the told file, and nobody else does.
 */
export class QueueDrain extends DrainedQueue<HotView> {
  private readonly schedule: CheckpointSchedule;
  private readonly adoption: HotAdoption;
  private checkpointWaits = false;
  private checkpointMs: number;

  private constructor(
    private readonly options: QueueDrainOptions,
    source: string,
    books: DrainBooks,
  ) {
    super(options, source, books);
    const { dir, settings, onFault } = options;
    this.checkpointMs = settings.checkpointMs;
    this.schedule = new CheckpointSchedule(books, settings.checkpointMs);
    this.adoption = new HotAdoption(dir, books, onFault, this.fault);
  }

  /** Throws QueueError `no_room` when the disk is too full to open what is needed. */
  static async open(options: QueueDrainOptions): Promise<QueueDrain> {
    const { dir, settings, inspect, bootId = currentBootId() } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { source } = loadIdentity(dir);
    const state = DrainState.open(dir);
    try {
      const superseded = supersededRests(dir, state.rests(), inspect);
      const store = Store.open(dir, settings, options.onFault);
      const told = new ToldWriter(dir, bootId);
      const record = state.cursors();
      const cursors = new Cursors(record, options.cursors, record && newestKnown(store, told));
      cursors.giveUpBelow(told.told.floor);
      for (const record of store.leftOut()) cursors.giveUpAll(record);
      // Only then may the batches that carry these rests on be sent.
      const removals = new Map([...superseded].map((key) => [key, undefined]));
      if (removals.size > 0 || cursors.beginsBehind)
        await state.save(cursors.record(), state.losses(), removals);
      const hot = new HotView(dir, bootId, hotMapBytes(settings));
      const books = new DrainBooks({ hot, store, state, cursors, told, inspect });
      const drain = new QueueDrain(options, source, books);
      await drain.adoption.adopt();
      books.forgetUnwanted();
      drain.start();
      return drain;
    } catch (error) {
      await state.close();
      throw error;
    }
  }

  override read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[] {
    const batches = super.read(cursor, after, bytesMax, countMax);
    this.options.onRead?.(batches);
    return batches;
  }

  /** Of the newest batch there is; that of nothing when there is none. */
  last(): Position {
    return this.books.newest();
  }

  /** To be called when the worker has woken us: looks for requests. Cheap enough for every millisecond. */
  noticed(): void {
    if (this.isClosed) return;
    const { hot, told } = this.books;
    this.books.forgetUnwanted();
    if (this.adoption.isNeeded) {
      if (!this.writing.isBusy) this.writing.run(() => this.adoption.adopt()).catch(this.fault);
      return;
    }
    hot.refresh();
    const request = hot.request();
    const drop = hot.dropRequest();
    const dropped = hot.dropped();
    const { holdsTooMuch } = this.schedule;
    hot.refresh();
    if (dropped?.epoch === hot.epoch) this.books.adoptDropped(dropped);
    if (holdsTooMuch) this.schedule.wantEverything();
    const { answeredCheckpoint, answeredDrop } = told.told;
    if (holdsTooMuch || (request?.ticket ?? 0) > answeredCheckpoint) this.startCheckpoint();
    if (drop !== undefined && drop.ticket > answeredDrop && !this.writing.isBusy) {
      this.writing.run(() => this.books.drop(drop.bytes, drop.ticket)).catch(this.fault);
    }
  }

  /**
   * Brings to the disk what is older than the configured time, or with `force` and on request everything that is in
   * hot now. Rejects when the store cannot be written; then it is tried again by itself.
   */
  async checkpoint(force = false): Promise<void> {
    if (force) this.schedule.wantEverything();
    await this.writing.run(() => this.checkpointNow());
  }

  /** About what that destination has not acked and nobody has given up, up to `to`. */
  pendingBytes(cursor: string, to?: Position): number {
    const { books } = this;
    return attempt(this.fault, () => pendingAmount(books, books.cursors.set(cursor), to).bytes, 0);
  }

  /** Other limits; `dir` stays. To be called before the worker has a larger `maxSizeBytes`. */
  async update(settings: QueueOptions): Promise<void> {
    this.checkpointMs = settings.checkpointMs;
    this.schedule.checkpointMs = settings.checkpointMs;
    this.expiry.expireMs = settings.expireMs;
    this.reader.expireMs = settings.expireMs;
    this.books.store.settings = settings;
    clearInterval(this.timer);
    this.start();
    await this.writing.run(() => {
      if (!this.isClosed) this.books.hot.resize(hotMapBytes(settings));
      return Promise.resolve();
    });
  }

  protected override needsCheckpoint(): void {
    this.schedule.wantEverything();
    this.startCheckpoint();
  }

  private start(): void {
    const intervalMs = Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, this.checkpointMs / 4));
    this.timer = setInterval(() => {
      if (this.isClosed || this.writing.isBusy || this.faults.failedLately) return;
      this.noticed();
      this.writing.run(() => this.tick()).catch(this.fault);
    }, intervalMs);
    this.timer.unref();
  }

  /** Everything that depends on time. */
  private async tick(): Promise<void> {
    if (this.isClosed) return;
    if (this.adoption.isNeeded) await this.adoption.adopt();
    this.books.state.clearDeadReaders();
    await this.adoption.removeOldHots();
    this.expiry.run();
    this.schedule.sample();
    if (this.schedule.isDue) await this.checkpointNow();
    await this.books.unlinkCovered();
    await this.books.saveWhenOlderThan(STATE_SAVE_MS);
  }

  /** One that waits is enough: it sees all requests that were made before it begins. */
  private startCheckpoint(): void {
    if (this.checkpointWaits || this.faults.failedLately) return;
    this.checkpointWaits = true;
    const run = () => {
      this.checkpointWaits = false;
      return this.checkpointNow();
    };
    this.writing.run(run).catch(this.fault);
  }

  private async checkpointNow(): Promise<void> {
    if (this.isClosed) return;
    if (this.adoption.isNeeded) await this.adoption.adopt();
    await this.schedule.run();
    this.faults.cleared();
  }
}

/** What is behind it was written since the mount began, or before an end that was not orderly. */
function newestKnown(store: Store, { told }: ToldWriter): Position {
  return comparePositions(store.last, told.checkpointed) > 0 ? store.last : told.checkpointed;
}
