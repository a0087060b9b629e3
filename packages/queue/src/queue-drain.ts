import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { BatchReader, type QueuedBatch } from './batch-reader.js';
import { addAmounts, addLoss, mergeLosses, NO_AMOUNT, type Amount, type Losses } from './counters.js';
import { Cursors } from './cursors.js';
import { DrainState } from './drain-state.js';
import { supersededRests } from './durable-rests.js';
import { QueueError } from './errors.js';
import { currentBootId, hotMapBytes, oldHots } from './hot-folder.js';
import { HotView } from './hot-view.js';
import { loadIdentity } from './identity.js';
import { HOT_BYTES_SOFT, RETRY_MS, STATE_SAVE_MS } from './limits.js';
import { countLostHots } from './lost-hot.js';
import { after, moveToStore } from './mover.js';
import { OneAtATime } from './one-at-a-time.js';
import { pendingOf, type CursorStatistics } from './pending.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';
import { SEQUENCE_MAX, type Range } from './range-set.js';
import type { Fault, InspectBatch, QueueOptions } from './settings.js';
import { Store } from './store.js';
import { ToldWriter, type Told } from './told-file.js';

export interface QueueDrainOptions {
  readonly dir: string;
  readonly settings: QueueOptions;
  /** The destinations, each with a name that stays the same. */
  readonly cursors: readonly string[];
  readonly inspect: InspectBatch;
  /** Told once when something goes wrong, and again when something else does; work goes on by itself. */
  readonly onFault: Fault;
  /** For tests; the kernel's by default. */
  readonly bootId?: string;
}

export interface DrainStatistics {
  readonly cursors: Readonly<Record<string, CursorStatistics>>;
  /** Used pages of hot. */
  readonly hotBytes: number;
  /** Files of the store. */
  readonly storeBytes: number;
  readonly storeFiles: number;
  readonly checkpointed: Position;
  /** By reason: `expired`, `drop_oldest`, `missing`, what the worker noted, and `hot_lost` after the power was lost. */
  readonly lost: Losses;
}

interface Sample {
  readonly atMs: number;
  readonly position: Position;
}

/** The shortest interval at which ages are looked at. */
const TICK_MS_MIN = 20;
const TICK_MS_MAX = 250;

/** How often the directory is looked at for what the worker has put aside. */
const OLD_HOTS_MS = 1000;

/** Fewer batches behind the checkpoint are not worth a flush for their size. */
const UNSTORED_BATCHES_MIN = 64;

/** Batches that are looked at for their age in one tick. */
const EXPIRE_BATCHES = 1000;
const EXPIRE_BYTES = 16 * 1024 * 1024;

/**
 * The forwarder's end of the queue: reads, acks, and brings to the disk what stays. It writes the store, the state
 * and the told file, and nobody else does.
 */
export class QueueDrain {
  private readonly reader: BatchReader;
  /** Whatever writes the store or the state, and whatever changes which hot is looked at. */
  private readonly writing = new OneAtATime();
  private checkpointedTo: Position;
  private losses: Losses;
  private stateIsStale = false;
  private savedAtMs = 0;
  private lookedForOldMs = -Infinity;
  private failedAtMs = -Infinity;
  private lastFault = '';
  private wantsCheckpoint = false;
  private checkpointWaits = false;
  private countsLost = false;
  private samples: Sample[] = [];
  private expiredTo = POSITION_ZERO;
  private readTo = POSITION_ZERO;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  private constructor(
    private readonly options: QueueDrainOptions,
    readonly source: string,
    private readonly hot: HotView,
    private readonly store: Store,
    private readonly state: DrainState,
    private readonly cursors: Cursors,
    private readonly told: ToldWriter,
  ) {
    this.losses = state.losses();
    // A checkpoint that was killed may have brought more into the store than was told.
    const { checkpointed } = told.told;
    this.checkpointedTo = comparePositions(store.last, checkpointed) > 0 ? store.last : checkpointed;
    this.reader = new BatchReader({
      ...this.context(),
      expireMs: options.settings.expireMs,
      noteExpired: (position, bytes) => {
        this.giveUp(position.epoch, position.sequence, position.sequence, 'expired', this.amountOf(bytes));
      },
      needsCheckpoint: () => {
        this.wantsCheckpoint = true;
        this.startCheckpoint();
      },
    });
  }

  static async open(options: QueueDrainOptions): Promise<QueueDrain> {
    const { dir, settings, bootId = currentBootId(), onFault } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { source } = loadIdentity(dir);
    const state = DrainState.open(dir);
    try {
      const superseded = supersededRests(dir, state.rests(), options.inspect);
      const store = Store.open(dir, settings, onFault);
      const cursors = new Cursors(state.cursors(), options.cursors);
      const told = new ToldWriter(dir, bootId);
      cursors.giveUpBelow(told.told.floor);
      for (const record of store.leftOut()) cursors.giveUpAll(record);
      const drain = new QueueDrain(
        options,
        source,
        new HotView(dir, bootId, hotMapBytes(settings)),
        store,
        state,
        cursors,
        told,
      );
      // Only now may the batches that carry these rests on be sent.
      if (superseded.size > 0) {
        await state.save(
          cursors.record(),
          drain.losses,
          new Map([...superseded].map((key) => [key, undefined])),
        );
      }
      await drain.adoptHot();
      drain.start();
      return drain;
    } catch (error) {
      await state.close();
      throw error;
    }
  }

  /** Of the hot that is there; 0 while no worker has made one. */
  epoch(): number {
    return this.hot.epoch;
  }

  /**
   * Batches behind `after` that this cursor has neither acked nor lost, in order: at most `countMax`, and at most
   * `bytesMax` bytes but at least one. Start with floor(); go on with the position of the last one.
   */
  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[] {
    const found = this.reader.read(cursor, after, bytesMax, countMax);
    const last = found.at(-1);
    if (last !== undefined && comparePositions(last.position, this.readTo) > 0) this.readTo = last.position;
    return found;
  }

  /** The worker sees it at once. What was never appended cannot be acked. */
  ack(cursor: string, epoch: number, ranges: readonly (readonly [first: number, last: number])[]): void {
    if (!this.cursors.has(cursor)) return;
    const newest = this.lastSequence(epoch);
    const clamped = ranges.map(([first, last]): Range => [Math.max(1, first), Math.min(last, newest)]);
    this.cursors.ack(cursor, epoch, clamped);
    this.stateIsStale = true;
    this.tell();
  }

  /** The lowest position that is not acked by this cursor, or by all. */
  floor(cursor?: string): Position {
    return cursor === undefined ? this.cursors.gone.floor : this.cursors.set(cursor).floor;
  }

  /** Resolves when the worker can see all acks so far. */
  flushed(): Promise<void> {
    return Promise.resolve();
  }

  hasNew(after: Position): boolean {
    if (comparePositions(this.store.last, after) > 0) return true;
    this.hot.refresh();
    const last = this.hot.lastPosition();
    this.hot.refresh();
    return last !== undefined && last.sequence > 0 && comparePositions(last, after) > 0;
  }

  /** To be called when the worker has woken us: looks for requests. Cheap enough for every millisecond. */
  noticed(): void {
    if (this.isClosed) return;
    if (!this.hot.isOpen || this.hot.isReplaced()) {
      if (!this.writing.isBusy) void this.writing.run(() => this.adoptHot()).catch(this.fault);
      return;
    }
    this.hot.refresh();
    const request = this.hot.request();
    const drop = this.hot.dropRequest();
    const dropped = this.hot.dropped();
    const { usedBytes } = this.hot.usage();
    this.hot.refresh();
    if (dropped?.epoch === this.hot.epoch) this.adoptDropped(dropped);
    if (usedBytes > HOT_BYTES_SOFT && this.holdsMuchUnstored()) {
      this.wantsCheckpoint = true;
      this.startCheckpoint();
    }
    if (request !== undefined && request.ticket > this.told.told.answeredCheckpoint) this.startCheckpoint();
    if (drop !== undefined && drop.ticket > this.told.told.answeredDrop && !this.writing.isBusy) {
      void this.writing.run(() => this.dropFromStore(drop.bytes, drop.ticket)).catch(this.fault);
    }
  }

  /**
   * Brings to the disk what is older than the configured time, or with `force` and on request everything that is in
   * hot now. Rejects when the store cannot be written; then it is tried again by itself.
   */
  async checkpoint(force = false): Promise<void> {
    if (force) this.wantsCheckpoint = true;
    await this.writing.run(() => this.checkpointNow());
  }

  statistics(): DrainStatistics {
    const usage = this.hot.usage();
    const cursors = Object.fromEntries(
      this.cursors.names.map((name) => [name, pendingOf(this.context(), this.cursors.set(name))]),
    );
    const lost = mergeLosses(this.losses, this.hot.losses());
    this.hot.refresh();
    return {
      cursors,
      hotBytes: usage.usedBytes,
      storeBytes: this.store.bytes,
      storeFiles: this.store.all.length,
      checkpointed: this.checkpointedTo,
      lost,
    };
  }

  /** It begins with what is still there. */
  addCursor(name: string): void {
    this.cursors.add(name);
    this.stateIsStale = true;
  }

  removeCursor(name: string): void {
    this.cursors.remove(name);
    this.stateIsStale = true;
    this.tell();
  }

  /** Saves the cursors; what is in hot stays there, where it survives everything but the loss of power. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.timer);
    await this.writing.run(() => this.saveState()).catch(this.fault);
    this.release();
    await this.store.close();
    await this.state.close();
  }

  /** For tests: lets everything go as a kill would, with nothing saved. */
  abandon(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.timer);
    this.release();
    return Promise.all([this.store.close(), this.state.close()]).then(() => undefined);
  }

  private release(): void {
    this.hot.close();
    this.told.close();
  }

  private start(): void {
    const intervalMs = Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, this.options.settings.checkpointMs / 4));
    this.timer = setInterval(() => {
      this.tick();
    }, intervalMs);
    this.timer.unref();
  }

  /** Everything that depends on time. */
  private tick(): void {
    if (this.isClosed || this.writing.isBusy) return;
    if (performance.now() - this.failedAtMs < RETRY_MS) return;
    this.noticed();
    void this.writing
      .run(async () => {
        if (!this.hot.isOpen || this.hot.isReplaced()) await this.adoptHot();
        this.state.clearDeadReaders();
        await this.removeOldHots();
        this.expire();
        this.sample();
        if (this.wantsCheckpoint || this.agedTarget() !== undefined) await this.checkpointNow();
        await this.unlinkCovered();
        if (this.stateIsStale && performance.now() - this.savedAtMs >= STATE_SAVE_MS) await this.saveState();
      })
      .catch(this.fault);
  }

  /** One that waits is enough: it sees all requests that were made before it begins. */
  private startCheckpoint(): void {
    if (this.checkpointWaits || performance.now() - this.failedAtMs < RETRY_MS) return;
    this.checkpointWaits = true;
    const run = () => {
      this.checkpointWaits = false;
      return this.checkpointNow();
    };
    this.writing.run(run).catch(this.fault);
  }

  private readonly fault = (error: unknown): void => {
    if (this.isClosed) return;
    this.failedAtMs = performance.now();
    const code = error instanceof QueueError ? error.code : 'store_failed';
    const message = error instanceof Error ? error.message : String(error);
    if (`${code} ${message}` === this.lastFault) return;
    this.lastFault = `${code} ${message}`;
    this.options.onFault({ code, message });
  };

  /** One checkpoint: requested, forced or aged. */
  private async checkpointNow(): Promise<void> {
    if (this.isClosed) return;
    if (!this.hot.isOpen || this.hot.isReplaced()) await this.adoptHot();
    const everything = this.wantsCheckpoint;
    this.wantsCheckpoint = false;
    this.hot.refresh();
    const request = this.hot.request();
    const asked = request !== undefined && request.ticket > this.told.told.answeredCheckpoint;
    const target = everything || asked ? this.hot.lastPosition() : this.agedTarget();
    const snapshot = asked
      ? {
          rests: new Map(this.hot.durableRests().map(({ key, bytes }) => [key, bytes])),
          earlierTaken: this.hot.restsTaken(),
        }
      : undefined;
    this.hot.refresh();
    if (target === undefined) return;
    try {
      await moveToStore(this.context(), target, snapshot);
    } catch (error) {
      this.wantsCheckpoint = everything || asked;
      throw error;
    }
    this.lastFault = '';
    if (comparePositions(target, this.checkpointedTo) > 0) this.checkpointedTo = target;
    this.tell(asked ? { answeredCheckpoint: request.ticket } : {});
  }

  /** What was seen in hot long enough ago, and is still wanted by somebody. */
  private agedTarget(): Position | undefined {
    const limit = performance.now() - this.options.settings.checkpointMs;
    const aged = this.samples.findLast(({ atMs }) => atMs <= limit)?.position;
    if (aged === undefined || comparePositions(aged, this.checkpointedTo) <= 0) return undefined;
    const wanted = this.cursors.gone.nextMissing(after(this.checkpointedTo));
    return comparePositions(wanted, aged) <= 0 ? aged : undefined;
  }

  private sample(): void {
    this.hot.refresh();
    const position = this.hot.lastPosition();
    this.hot.refresh();
    const limit = performance.now() - this.options.settings.checkpointMs;
    const firstYoung = this.samples.findIndex(({ atMs }) => atMs > limit);
    // Of the aged ones only the last one says something.
    if (firstYoung > 1) this.samples.splice(0, firstYoung - 1);
    if (position !== undefined) this.samples.push({ atMs: performance.now(), position });
  }

  /**
   * Looks at the hot that is there now. Of the one before, if it can still be read, everything is saved first; then
   * its epoch is over: what is not in the store will never come.
   */
  private async adoptHot(): Promise<void> {
    if (this.isClosed) return;
    if (this.hot.isReplaced() && this.hot.epochInFolder() !== this.hot.epoch) await this.rescueOldHot();
    this.hot.open();
    if (!this.hot.isOpen) return;
    this.samples = [];
    const over = this.hot.epoch;
    const kept = new Map<number, Range[]>();
    for (let epoch = this.cursors.gone.floor.epoch; epoch < over; epoch++) {
      const stored = this.store.lastInEpoch(epoch);
      kept.set(epoch, [[0, stored], ...this.ackedRanges(epoch)]);
      this.cursors.giveUp(epoch, stored + 1, SEQUENCE_MAX);
      this.stateIsStale = true;
    }
    this.tell();
    if (!this.countsLost) this.countLost((epoch) => kept.get(epoch) ?? [[0, SEQUENCE_MAX]]).catch(this.fault);
  }

  private async removeOldHots(): Promise<void> {
    if (performance.now() - this.lookedForOldMs < OLD_HOTS_MS) return;
    this.lookedForOldMs = performance.now();
    for (const folder of oldHots(this.options.dir)) await rm(folder, { recursive: true, force: true });
  }

  private ackedRanges(epoch: number): Range[] {
    return this.cursors.gone.within(epoch, 0, SEQUENCE_MAX - 1);
  }

  private async rescueOldHot(): Promise<void> {
    try {
      const last = this.hot.lastPosition();
      if (last === undefined) return;
      await moveToStore(this.context(), last);
      if (comparePositions(last, this.checkpointedTo) > 0) this.checkpointedTo = last;
    } catch (error) {
      this.fault(error);
    }
  }

  private async countLost(kept: (epoch: number) => Range[]): Promise<void> {
    this.countsLost = true;
    try {
      for (const { epoch, amount } of await countLostHots(this.options.dir, kept)) {
        if (this.isClosed) return;
        this.losses = addLoss(this.losses, 'hot_lost', amount ?? NO_AMOUNT);
        this.stateIsStale = true;
        const count = amount === undefined ? 'an unknown number of' : `${amount.batches}`;
        const message = `hot of epoch ${epoch} was thrown away with ${count} batches that were not in the store`;
        if (amount === undefined || amount.batches > 0) this.options.onFault({ code: 'hot_lost', message });
      }
    } finally {
      this.countsLost = false;
    }
  }

  /** More than a few batches: else the worker has only not yet deleted what it may. */
  private holdsMuchUnstored(): boolean {
    const last = this.hot.lastPosition();
    this.hot.refresh();
    if (last === undefined) return false;
    const next = this.cursors.gone.nextMissing(after(this.checkpointedTo));
    return next.epoch < last.epoch || last.sequence - next.sequence >= UNSTORED_BATCHES_MIN;
  }

  /** The worker has deleted these from hot to make room, and counted them. */
  private adoptDropped(dropped: Position): void {
    const { epoch, sequence } = this.checkpointedTo;
    const first = epoch === dropped.epoch ? sequence + 1 : 1;
    if (
      first > dropped.sequence ||
      this.cursors.gone.covers({ epoch: dropped.epoch, sequence: first }, dropped)
    )
      return;
    this.cursors.giveUp(dropped.epoch, first, dropped.sequence);
    this.stateIsStale = true;
    this.tell();
  }

  private noteMissing(epoch: number, first: number, last: number): void {
    const dropped = this.hot.dropped();
    // What the worker dropped it has counted itself.
    const counted = dropped?.epoch === epoch ? Math.min(last, dropped.sequence) : 0;
    if (counted >= first) this.giveUp(epoch, first, counted, undefined, NO_AMOUNT);
    const from = Math.max(first, counted + 1);
    this.giveUp(epoch, from, last, 'missing', { batches: last - from + 1, records: 0, bytes: 0 });
  }

  private giveUp(
    epoch: number,
    first: number,
    last: number,
    reason: string | undefined,
    amount: Amount,
  ): void {
    if (last < first || this.cursors.giveUp(epoch, first, last).length === 0) return;
    if (reason !== undefined) this.losses = addLoss(this.losses, reason, amount);
    this.stateIsStale = true;
    this.tell();
  }

  private amountOf(bytes: Buffer): Amount {
    return { batches: 1, records: this.options.inspect(bytes).records, bytes: bytes.length };
  }

  /** Drops what is too old and was not handed out yet; what was handed out may be acked at any moment. */
  private expire(): void {
    const { expireMs } = this.options.settings;
    if (expireMs === 0) return;
    const before = Date.now() - expireMs;
    const { gone } = this.cursors;
    let from = comparePositions(this.readTo, this.expiredTo) > 0 ? this.readTo : this.expiredTo;
    let left = EXPIRE_BATCHES;
    let leftBytes = EXPIRE_BYTES;
    const visit = (position: Position, bytes: Buffer): boolean => {
      left--;
      leftBytes -= bytes.length;
      if (left < 0 || leftBytes < 0 || this.options.inspect(bytes).timeMs >= before) return false;
      from = position;
      if (gone.has(position)) return true;
      this.giveUp(position.epoch, position.sequence, position.sequence, 'expired', this.amountOf(bytes));
      return true;
    };
    const start = gone.nextMissing(after(from));
    if (this.store.forEach(start, this.checkpointedTo, visit)) {
      const inHot = gone.nextMissing(after(this.checkpointedTo));
      this.hot.refresh();
      this.hot.forEach(comparePositions(start, inHot) > 0 ? start : inHot, visit);
      this.hot.refresh();
    }
    this.expiredTo = from;
  }

  /** Whole files, oldest first: only these free the disk. */
  private async dropFromStore(bytes: number, ticket: number): Promise<void> {
    let freedBytes = 0;
    for (const file of this.store.all) {
      if (freedBytes >= bytes || file.last === undefined || file.first === undefined) break;
      freedBytes += file.fileBytes;
      let dropped = NO_AMOUNT;
      const missing: Position[] = [];
      file.forEach(file.first, file.last, (position, value) => {
        if (this.cursors.gone.has(position)) return true;
        missing.push(position);
        dropped = addAmounts(dropped, this.amountOf(value));
        return true;
      });
      for (const { epoch, sequence } of missing) this.cursors.giveUp(epoch, sequence, sequence);
      this.losses = addLoss(this.losses, 'drop_oldest', dropped);
    }
    this.stateIsStale = true;
    await this.unlinkCovered();
    this.tell({ answeredDrop: ticket });
  }

  /** Acks first, then the files: a file that is gone must not look like a loss after the power was lost. */
  private async unlinkCovered(): Promise<void> {
    const covered = this.store.covered(this.cursors.gone);
    if (covered.length === 0) return;
    await this.saveState();
    this.store.unlink(covered);
    this.tell();
  }

  private async saveState(): Promise<void> {
    this.stateIsStale = false;
    this.savedAtMs = performance.now();
    try {
      await this.state.save(this.cursors.record(), this.losses);
    } catch (error) {
      this.stateIsStale = true;
      throw error;
    }
  }

  private tell(answers: Partial<Told> = {}): void {
    if (this.isClosed) return;
    const { floor } = this.cursors.gone;
    const told = {
      ...this.told.told,
      floor,
      checkpointed: this.checkpointedTo,
      storeBytes: this.store.bytes,
      ...answers,
    };
    this.told.tell(told);
  }

  private lastSequence(epoch: number): number {
    if (epoch !== this.hot.epoch) return this.store.lastInEpoch(epoch);
    this.hot.refresh();
    const last = this.hot.lastPosition();
    this.hot.refresh();
    // Hot may look older than what was already read from it, see environment.ts.
    const read = this.readTo.epoch === epoch ? this.readTo.sequence : 0;
    return Math.max(last?.sequence ?? 0, read);
  }

  private context() {
    const { hot, store, state, cursors } = this;
    return {
      hot,
      store,
      state,
      cursors,
      inspect: this.options.inspect,
      losses: () => this.losses,
      checkpointed: () => this.checkpointedTo,
      noteMissing: (epoch: number, first: number, last: number) => {
        this.noteMissing(epoch, first, last);
      },
    };
  }
}
