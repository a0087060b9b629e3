import { rm } from 'node:fs/promises';
import { addLoss, NO_AMOUNT } from './counters.js';
import type { DrainBooks } from './drain-books.js';
import { oldHots } from './hot-folder.js';
import { countLostHots } from './lost-hot.js';
import { moveToStore } from './mover.js';
import { SEQUENCE_MAX, type Range } from './range-set.js';
import type { Fault } from './settings.js';

/** How often the directory is looked at for what the worker has put aside. */
const OLD_HOTS_MS = 1000;

/** Follows the worker from one hot to the next. */
export class HotAdoption {
  private countsLost = false;
  private lookedForOldMs = -Infinity;

  constructor(
    private readonly directory: string,
    private readonly books: DrainBooks,
    private readonly onFault: Fault,
    private readonly fault: (error: unknown) => void,
  ) {}

  get isNeeded(): boolean {
    const { hot } = this.books;
    return !hot.isOpen || hot.isReplaced();
  }

  /**
   * Looks at the hot that is there now. Of one of an earlier epoch, if it can still be read, everything is saved
   * first; then its epoch is over: what is not in the store will never come.
   */
  async adopt(): Promise<void> {
    const { hot, store, cursors } = this.books;
    if (hot.isReplaced() && hot.epochInFolder() !== hot.epoch) await this.rescueOldHot();
    hot.open();
    if (!hot.isOpen) return;
    const kept = new Map<number, Range[]>();
    for (let { epoch } = cursors.gone.floor; epoch < hot.epoch; epoch++) {
      const stored = store.lastInEpoch(epoch);
      kept.set(epoch, [[0, stored], ...cursors.gone.within(epoch, 0, SEQUENCE_MAX - 1)]);
      cursors.giveUp(epoch, stored + 1, SEQUENCE_MAX);
    }
    this.books.changed();
    if (!this.countsLost) this.countLost((epoch) => kept.get(epoch) ?? [[0, SEQUENCE_MAX]]).catch(this.fault);
  }

  /** Removing a large file takes time, which the worker has not. */
  async removeOldHots(): Promise<void> {
    if (performance.now() - this.lookedForOldMs < OLD_HOTS_MS) return;
    this.lookedForOldMs = performance.now();
    for (const folder of oldHots(this.directory)) await rm(folder, { recursive: true, force: true });
  }

  private async rescueOldHot(): Promise<void> {
    try {
      const last = this.books.hot.freshLastPosition();
      if (last === undefined) return;
      await moveToStore(this.books, last);
      this.books.moved(last, {});
    } catch (error) {
      this.fault(error);
    }
  }

  private async countLost(kept: (epoch: number) => Range[]): Promise<void> {
    this.countsLost = true;
    try {
      for (const { epoch, amount } of await countLostHots(this.directory, kept)) {
        this.books.losses = addLoss(this.books.losses, 'hot_lost', amount ?? NO_AMOUNT);
        this.books.changed();
        if (amount?.batches === 0) continue;
        const count = amount === undefined ? 'an unknown number of' : `${amount.batches}`;
        const message = `hot of epoch ${epoch} was thrown away with ${count} batches that were not in the store`;
        this.onFault({ code: 'hot_lost', message });
      }
    } finally {
      this.countsLost = false;
    }
  }
}
