import { addAmounts, NO_AMOUNT, type Amount } from './counters.js';
import type { HotDatabase } from './hot-database.js';
import { encodeDrop, encodePosition, HOT_ROWS } from './hot-rows.js';
import type { InspectBatch } from './settings.js';

/** A drain that does not drop from the store within this time is taken for dead, and hot is dropped from instead. */
const DROP_PATIENCE_MS = 250;

/** Where that would take from every server what only one is behind with, a drain that was killed is waited for. */
const BROADCAST_PATIENCE_MS = 2_000;

const BATCHES_PER_TRANSACTION = 64;

/** Makes room by giving up what is oldest: in the store by asking the drain, in hot at once. */
export class OldestDrop {
  private asked: { ticket: number; atMs: number } | undefined;

  constructor(
    private readonly hot: HotDatabase,
    private readonly inspect: InspectBatch,
    /** Only the drain knows which server has what: it is always asked first. */
    private readonly isBroadcast: boolean,
  ) {}

  /** What was dropped from hot, at least `bytes` if there is so much; nothing while the drain is waited for. */
  drop(bytes: number): Amount {
    if (this.hot.room.leftBytes >= bytes || this.leaveToDrain(bytes)) return NO_AMOUNT;
    let dropped = NO_AMOUNT;
    while (dropped.bytes < bytes && this.hot.firstSequence <= this.hot.lastSequence) {
      dropped = addAmounts(dropped, this.dropSome(bytes - dropped.bytes));
    }
    this.hot.measureRoom();
    return dropped;
  }

  /** True while the drain may still drop from the store. */
  private leaveToDrain(bytes: number): boolean {
    const { storeBytes, answeredDrop } = this.hot.told.told;
    if (storeBytes === 0 && !this.isBroadcast) return false;
    if (this.asked !== undefined && answeredDrop < this.asked.ticket) {
      const patienceMs = this.isBroadcast ? BROADCAST_PATIENCE_MS : DROP_PATIENCE_MS;
      return performance.now() - this.asked.atMs < patienceMs;
    }
    // What it has given up last is not deleted yet: to ask for more would be to lose more than is needed.
    if (this.isBroadcast && this.hot.releasableEnd() > this.hot.firstSequence) return true;
    const ticket = this.hot.nextTicket();
    this.hot.transact(() => {
      this.hot.putOwn(HOT_ROWS.drop, encodeDrop({ ticket, bytes }));
    });
    this.asked = { ticket, atMs: performance.now() };
    return true;
  }

  private dropSome(bytes: number): Amount {
    const { hot } = this;
    let dropped = NO_AMOUNT;
    let end = hot.firstSequence;
    const limit = Math.min(hot.lastSequence + 1, end + BATCHES_PER_TRANSACTION);
    hot.transact(() => {
      while (end < limit && dropped.bytes < bytes) {
        const value = hot.getBatch(end++);
        if (value === undefined) continue;
        dropped = addAmounts(dropped, {
          batches: 1,
          records: this.inspect(value).records,
          bytes: value.length,
        });
      }
      hot.removeBatches(end);
      hot.putOwn(HOT_ROWS.dropped, encodePosition({ epoch: hot.epoch, sequence: end - 1 }));
      hot.noteLoss('drop_oldest', dropped);
    });
    hot.firstSequence = end;
    return dropped;
  }
}
