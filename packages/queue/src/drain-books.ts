import { dropBehind } from './behind-drop.js';
import { addAmounts, addLoss, NO_AMOUNT, type Amount, type Losses } from './counters.js';
import type { Cursors } from './cursors.js';
import type { DrainState } from './drain-state.js';
import { QueueError } from './errors.js';
import type { HotTier } from './hot-tier.js';
import type { HotView } from './hot-view.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';
import type { Range } from './range-set.js';
import type { InspectBatch } from './settings.js';
import type { Store } from './store.js';
import type { StoreFile } from './store-file.js';
import type { Told, ToldWriter } from './told-file.js';

/** What the drain has open. */
export interface DrainParts<Hot extends HotTier = HotView> {
  readonly hot: Hot;
  readonly store: Store;
  readonly state: DrainState;
  readonly cursors: Cursors;
  readonly told: ToldWriter;
  readonly inspect: InspectBatch;
}

/**
 * What the drain knows of every batch: who has acked it, how far the checkpoint is, what was given up and why. Each
 * change is told to the worker at once, and saved now and then.
 */
export class DrainBooks<Hot extends HotTier = HotView> implements DrainParts<Hot> {
  readonly hot: Hot;
  readonly store: Store;
  readonly state: DrainState;
  readonly cursors: Cursors;
  readonly told: ToldWriter;
  readonly inspect: InspectBatch;
  losses: Losses;
  /** Everything up to here is in the store, or needs no delivery. */
  checkpointed: Position;
  /** The furthest batch that was handed out, by cursor. */
  private readonly readTo = new Map<string, Position>();
  private stale = false;
  private savedAtMs = 0;
  private isClosed = false;

  constructor(parts: DrainParts<Hot>) {
    ({
      hot: this.hot,
      store: this.store,
      state: this.state,
      cursors: this.cursors,
      told: this.told,
      inspect: this.inspect,
    } = parts);
    this.losses = parts.state.losses();
    // A checkpoint that was killed may have brought more into the store than was told.
    const { checkpointed } = parts.told.told;
    this.checkpointed =
      comparePositions(parts.store.last, checkpointed) > 0 ? parts.store.last : checkpointed;
  }

  /** Acks of what was never appended would hide what is still to come, so they are cut. */
  ack(cursor: string, epoch: number, ranges: readonly Range[]): void {
    const newest = this.lastSequence(epoch);
    const within = ranges.map(([first, last]): Range => [Math.max(1, first), Math.min(last, newest)]);
    this.cursors.ack(cursor, epoch, within);
    this.changed();
  }

  /** Nobody gets these any more. `reason` counts them, unless somebody else has. */
  giveUp(epoch: number, first: number, last: number, reason: string | undefined, amount: Amount): void {
    if (last < first || this.cursors.giveUp(epoch, first, last).length === 0) return;
    if (reason !== undefined) this.losses = addLoss(this.losses, reason, amount);
    this.changed();
  }

  /** This cursor does not get them; the others do. */
  giveUpFor(cursor: string, epoch: number, ranges: readonly Range[]): void {
    this.cursors.ack(cursor, epoch, ranges);
    this.changed();
  }

  noteLoss(reason: string, amount: Amount): void {
    if (amount.batches === 0) return;
    this.losses = addLoss(this.losses, reason, amount);
    this.stale = true;
  }

  /** The position of the newest batch there is; that of nothing when there is none. */
  newest(): Position {
    const { last } = this.store;
    const inHot = this.hot.freshLastPosition();
    return inHot !== undefined && comparePositions(inHot, last) > 0 ? inHot : last;
  }

  /** Without a destination nothing is wanted, so that nothing is kept. */
  forgetUnwanted(): void {
    if (this.cursors.names.length > 0) return;
    const newest = this.newest();
    const next = { epoch: newest.epoch, sequence: newest.sequence + 1 };
    if (comparePositions(next, this.cursors.gone.floor) <= 0) return;
    this.cursors.giveUpBelow(next);
    this.changed();
  }

  /** Nobody is given it any more. */
  expired({ epoch, sequence }: Position, bytes: Buffer): void {
    this.giveUp(epoch, sequence, sequence, 'expired', this.amountOf(bytes));
  }

  /** Those who were given it may ack it at any moment; the others do not get it any more. */
  expiredUnread(position: Position, bytes: Buffer): void {
    const { epoch, sequence } = position;
    const losing = this.cursors.names.filter(
      (name) =>
        !this.cursors.set(name).has(position) && comparePositions(position, this.handedOutTo(name)) > 0,
    );
    if (losing.length === 0) return;
    for (const name of losing) this.cursors.ack(name, epoch, [[sequence, sequence]]);
    this.losses = addLoss(this.losses, 'expired', this.amountOf(bytes));
    this.changed();
  }

  handedOut(cursor: string, position: Position): void {
    if (comparePositions(position, this.handedOutTo(cursor)) > 0) this.readTo.set(cursor, position);
  }

  handedOutTo(cursor: string): Position {
    return this.readTo.get(cursor) ?? POSITION_ZERO;
  }

  /** Found in neither tier. What the worker dropped it has counted itself. */
  noteMissing(epoch: number, first: number, last: number): void {
    const dropped = this.hot.dropped();
    const counted = dropped?.epoch === epoch ? Math.min(last, dropped.sequence) : 0;
    this.giveUp(epoch, first, counted, undefined, NO_AMOUNT);
    const from = Math.max(first, counted + 1);
    this.giveUp(epoch, from, last, 'missing', { batches: last - from + 1, records: 0, bytes: 0 });
  }

  /** The worker has deleted these from hot to make room; what of them is in the store stays. */
  adoptDropped(dropped: Position): void {
    const { epoch, sequence } = this.checkpointed;
    const first = epoch === dropped.epoch ? sequence + 1 : 1;
    this.giveUp(dropped.epoch, first, dropped.sequence, undefined, NO_AMOUNT);
  }

  /** What the worker asked for, when it cannot or must not do it itself. */
  async drop(bytes: number, ticket: number): Promise<void> {
    this.giveUpOldest(bytes);
    await this.unlinkCovered();
    this.tell({ answeredDrop: ticket });
  }

  /** So that `bytes` are freed beside those of files that are covered already. */
  giveUpOldest(bytes: number, covered: readonly StoreFile[] = []): Amount {
    return this.cursors.isBroadcast ? dropBehind(this, bytes, covered) : this.giveUpFiles(bytes, covered);
  }

  /** Whole files of the store, oldest first: only these free the disk. */
  private giveUpFiles(bytes: number, covered: readonly StoreFile[]): Amount {
    let freedBytes = 0;
    let given = NO_AMOUNT;
    for (const file of this.store.all) {
      if (freedBytes >= bytes) break;
      if (file.last === undefined || file.first === undefined || covered.includes(file)) continue;
      freedBytes += file.fileBytes;
      let dropped = NO_AMOUNT;
      const wanted: Position[] = [];
      file.forEach(file.first, file.last, (position, value) => {
        if (this.cursors.gone.has(position)) return true;
        wanted.push(position);
        dropped = addAmounts(dropped, this.amountOf(value));
        return true;
      });
      for (const { epoch, sequence } of wanted) this.cursors.giveUp(epoch, sequence, sequence);
      this.losses = addLoss(this.losses, 'drop_oldest', dropped);
      given = addAmounts(given, dropped);
    }
    this.stale = true;
    return given;
  }

  /** Acks first, then the files: a file that is gone must not look like a loss after the power was lost. */
  async unlinkCovered(): Promise<void> {
    const covered = this.store.covered(this.cursors.gone);
    if (covered.length === 0) return;
    await this.save();
    this.store.unlink(covered);
    this.tell();
  }

  /** Everything up to `target` is in the store. */
  moved(target: Position, answers: Partial<Told>): void {
    if (comparePositions(target, this.checkpointed) > 0) this.checkpointed = target;
    this.tell(answers);
  }

  /** To be told now and saved later. */
  changed(): void {
    this.stale = true;
    this.tell();
  }

  tell(answers: Partial<Told> = {}): void {
    if (this.isClosed) return;
    const { floor } = this.cursors.gone;
    const { checkpointed } = this;
    this.told.tell({ ...this.told.told, floor, checkpointed, storeBytes: this.store.bytes, ...answers });
  }

  async saveWhenOlderThan(ageMs: number): Promise<void> {
    if (this.stale && performance.now() - this.savedAtMs >= ageMs) await this.save();
  }

  async save(): Promise<void> {
    this.stale = false;
    this.savedAtMs = performance.now();
    try {
      await this.state.save(this.cursors.record(), this.losses);
    } catch (error) {
      this.stale = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.hot.close();
    this.told.close();
    await this.store.close();
    await this.state.close();
  }

  private amountOf(bytes: Buffer): Amount {
    return { batches: 1, records: this.inspect(bytes).records, bytes: bytes.length };
  }

  private lastSequence(epoch: number): number {
    // A tier may look older than what was already read from it, see environment.ts.
    let read = 0;
    for (const { epoch: readEpoch, sequence } of this.readTo.values())
      if (readEpoch === epoch) read = Math.max(read, sequence);
    if (epoch === this.hot.epoch) {
      const stored = this.store.last.epoch === epoch ? this.store.last.sequence : 0;
      return Math.max(this.hot.freshLastPosition()?.sequence ?? 0, stored, read);
    }
    try {
      return Math.max(this.store.lastInEpoch(epoch), read);
    } catch (error) {
      if (error instanceof QueueError) return read;
      throw error;
    }
  }
}
