import type { Losses } from './counters.js';
import type { Usage } from './environment.js';
import type { Position } from './position.js';

/** What reading, acking and counting need of hot. */
export interface HotTier {
  readonly epoch: number;
  refresh(): void;
  lastPosition(): Position | undefined;
  freshLastPosition(): Position | undefined;
  forEach(from: Position, visit: (position: Position, bytes: Buffer) => boolean): void;
  dropped(): Position | undefined;
  usage(): Usage;
  losses(): Losses;
  close(): void;
}

/** The hot of a queue that has none: what is appended goes into the store at once. */
export class NoHot implements HotTier {
  constructor(readonly epoch: number) {}

  refresh(): void {
    // There is no snapshot to let go.
  }

  lastPosition(): Position | undefined {
    return undefined;
  }

  freshLastPosition(): Position | undefined {
    return undefined;
  }

  forEach(): void {
    // It is empty.
  }

  dropped(): Position | undefined {
    return undefined;
  }

  usage(): Usage {
    return { usedBytes: 0, fileBytes: 0, entries: 0 };
  }

  losses(): Losses {
    return {};
  }

  close(): void {
    // Nothing is open.
  }
}
