import type { DrainBooks } from './drain-books.js';
import type { HotTier } from './hot-tier.js';
import { after } from './mover.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';

/** So much is looked at in one go: the forwarder has other things to do. */
const BATCHES_MAX = 1000;
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * Drops what is too old, for each destination that it was not handed out to yet; what was handed out may be acked at
 * any moment.
 */
export class Expiry {
  private doneTo = POSITION_ZERO;

  constructor(
    private readonly books: DrainBooks<HotTier>,
    /** 0: never. May be changed at any time. */
    public expireMs: number,
  ) {}

  run(): void {
    if (this.expireMs === 0) return;
    const { books } = this;
    const { gone } = books.cursors;
    const before = Date.now() - this.expireMs;
    let [batchesLeft, bytesLeft] = [BATCHES_MAX, BYTES_MAX];
    const handedOutToAll = this.handedOutToAll();
    if (comparePositions(handedOutToAll, this.doneTo) > 0) this.doneTo = handedOutToAll;
    const visit = (position: Position, bytes: Buffer): boolean => {
      batchesLeft--;
      bytesLeft -= bytes.length;
      if (batchesLeft < 0 || bytesLeft < 0 || books.inspect(bytes).timeMs >= before) return false;
      this.doneTo = position;
      if (!gone.has(position)) books.expiredUnread(position, bytes);
      return true;
    };
    const start = gone.nextMissing(after(this.doneTo));
    if (!books.store.forEach(start, books.checkpointed, visit)) return;
    const inHot = gone.nextMissing(after(books.checkpointed));
    books.hot.refresh();
    books.hot.forEach(comparePositions(start, inHot) > 0 ? start : inHot, visit);
    books.hot.refresh();
  }

  /** Behind it there is somebody to drop for, however far the others are. */
  private handedOutToAll(): Position {
    const all = this.books.cursors.names.map((name) => this.books.handedOutTo(name));
    const [first = POSITION_ZERO, ...others] = all;
    return others.reduce((low, next) => (comparePositions(next, low) < 0 ? next : low), first);
  }
}
