import { mergeLosses, type Losses } from './counters.js';
import type { DrainBooks } from './drain-books.js';
import type { HotTier } from './hot-tier.js';
import { pendingOf, type CursorStatistics } from './pending.js';
import type { Position } from './position.js';

export interface DrainStatistics {
  readonly cursors: Readonly<Record<string, CursorStatistics>>;
  /** Used pages of hot. */
  readonly hotBytes: number;
  /** Files of the store. */
  readonly storeBytes: number;
  readonly storeFiles: number;
  readonly checkpointed: Position;
  /**
   * By reason: `expired`, `drop_oldest`, `missing`, `plugin_behind`, what the worker noted, and `hot_lost` after the
   * power was lost.
   */
  readonly lost: Losses;
}

export function statisticsOf(books: DrainBooks<HotTier>): DrainStatistics {
  const { hot, store, cursors, losses, checkpointed } = books;
  const { usedBytes } = hot.usage();
  const lost = mergeLosses(losses, hot.losses());
  hot.refresh();
  return {
    cursors: Object.fromEntries(cursors.names.map((name) => [name, pendingOf(books, cursors.set(name))])),
    hotBytes: usedBytes,
    storeBytes: store.bytes,
    storeFiles: store.all.length,
    checkpointed,
    lost,
  };
}
