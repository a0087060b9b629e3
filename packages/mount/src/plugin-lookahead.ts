import { comparePositions, POSITION_ZERO, type Position, type QueuedBatch } from '@k2hft/queue';

/**
 * While a plugin does not read, what is behind and not for it is acknowledged all the same, so that the queue need not
 * keep it. Acknowledgements with gaps cost the queue time and memory: beyond so many gaps, no more is looked at. What
 * is dropped from there counts as dropped for this plugin, whoever it is for.
 */
const GAPS_MAX = 4_096;

/** When what is behind has too many gaps, it is looked through again this often: much of it was dropped meanwhile. */
const RESCAN_INTERVAL_MS = 10_000;

export interface PluginLookaheadOptions {
  hasNew(after: Position): boolean;
  /** Some of what follows. */
  read(after: Position): readonly QueuedBatch[];
  isWanted(queued: QueuedBatch): boolean;
  /** It is for others. */
  pass(position: Position): void;
}

/** Looks through what waits for a plugin that takes nothing, and passes over what is for others. */
export class PluginLookahead {
  private scannedTo: Position = POSITION_ZERO;
  /** What is for this plugin between what was read and `scannedTo`, in how many pieces; and whether the last one goes on. */
  private gaps = 0;
  private isInGap = false;
  private rescannedAtMs = -Infinity;

  constructor(private readonly options: PluginLookaheadOptions) {}

  /** The plugin's lane has read up to there. */
  wasRead(after: Position): void {
    if (comparePositions(after, this.scannedTo) >= 0) this.gaps = 0;
  }

  /** Up to where it is known what is for whom, when all up to `after` was read; undefined: there are too many gaps to look. */
  knownTo(after: Position): Position | undefined {
    if (this.gaps >= GAPS_MAX) return undefined;
    return comparePositions(this.scannedTo, after) < 0 ? after : this.scannedTo;
  }

  /** Looks at some of what follows `after` and was not looked at. True when there may be more. */
  scan(after: Position): boolean {
    const { options } = this;
    if (this.gaps >= GAPS_MAX) return false;
    if (comparePositions(this.scannedTo, after) < 0) this.scannedTo = after;
    if (!options.hasNew(this.scannedTo)) return false;
    const batches = options.read(this.scannedTo);
    for (const queued of batches) {
      const isOurs = options.isWanted(queued);
      if (isOurs && !this.isInGap) this.gaps++;
      this.isInGap = isOurs;
      if (!isOurs) options.pass(queued.position);
      this.scannedTo = queued.position;
      if (this.gaps >= GAPS_MAX) break;
    }
    return batches.length > 0;
  }

  /** Something behind `after` was dropped: what has too many gaps may be looked through again. */
  wasCut(after: Position, nowMs: number): void {
    if (this.gaps < GAPS_MAX || nowMs - this.rescannedAtMs <= RESCAN_INTERVAL_MS) return;
    this.rescannedAtMs = nowMs;
    this.scannedTo = after;
    this.gaps = 0;
  }
}
