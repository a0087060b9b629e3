import { comparePositions, type Position, type QueuedBatch } from '@k2hft/queue';
import { BatchFlag, readFlags, readRecordCount } from '@k2hft/wire';
import { compileGlobs } from './rules.js';
import { pathOf, recordsOf, type TapLine } from './tap-record.js';

/** What a hub needs of a queue; QueueDrain has it. */
export interface TappedQueue {
  read(cursor: string, after: Position, bytesMax: number, countMax: number): unknown;
  last(): Position;
}

export interface TapOptions {
  /** Glob of the paths. */
  pattern: string;
  recordsPerSecondMax: number;
  /** Takes a line; false while it takes no more. */
  tell: (line: TapLine) => boolean;
}

/** Who taps is a person who looks on. */
const TAPS_MAX = 8;

/** What no server takes just now is read for those who tap, so often and so much at a time. */
const LOOK_MS = 100;
const LOOK_BYTES_MAX = 1024 * 1024;
const LOOK_COUNT_MAX = 4096;

interface Tap extends TapOptions {
  matches: (path: string) => unknown;
  left: number;
  leftOut: number;
}

/**
 * Shows what is written to those who tap. It sees each batch once, when somebody reads it for the first time: a server's
 * lane, a plugin's, or itself when those do not read. While nobody taps it does nothing.
 */
export class TapHub {
  private readonly taps = new Set<Tap>();
  private seenTo: Position | undefined;
  private secondStartMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: () => TappedQueue,
    /** Any that the queue has now. */
    private readonly cursor: () => string | undefined,
  ) {}

  /** Begins to tell of what is written from now on. Returns what ends it; undefined when too many tap already. */
  open(options: TapOptions): (() => void) | undefined {
    if (this.taps.size >= TAPS_MAX) return undefined;
    const matches = compileGlobs([{ path: options.pattern }]);
    const tap: Tap = { ...options, matches, left: options.recordsPerSecondMax, leftOut: 0 };
    if (this.taps.size === 0) this.begin();
    this.taps.add(tap);
    return () => {
      this.taps.delete(tap);
      if (this.taps.size > 0) return;
      clearInterval(this.timer);
      this.seenTo = undefined;
    };
  }

  /** These were read from the queue, in order. */
  readonly saw = (batches: readonly QueuedBatch[]): void => {
    if (this.seenTo === undefined) return;
    for (const { position, bytes } of batches) {
      if (comparePositions(position, this.seenTo) <= 0) continue;
      this.seenTo = position;
      // What is for the plugins of this host alone is told as well: it was written here.
      this.show(bytes);
    }
  };

  private begin(): void {
    this.seenTo = this.queue().last();
    this.secondStartMs = performance.now();
    this.timer = setInterval(() => {
      this.look();
    }, LOOK_MS);
  }

  private look(): void {
    const cursor = this.cursor();
    if (this.seenTo !== undefined && cursor !== undefined)
      this.queue().read(cursor, this.seenTo, LOOK_BYTES_MAX, LOOK_COUNT_MAX);
    const nowMs = performance.now();
    if (nowMs - this.secondStartMs < 1000) return;
    this.secondStartMs = nowMs;
    for (const tap of this.taps) {
      tap.left = tap.recordsPerSecondMax;
      if (tap.leftOut > 0 && tap.tell({ leftOut: tap.leftOut })) tap.leftOut = 0;
    }
  }

  private show(batch: Buffer): void {
    const isPiece = readRecordCount(batch) === 0;
    // A stream's end without records has nothing to show.
    if (isPiece && (readFlags(batch) & BatchFlag.BINARY) === 0) return;
    const path = pathOf(batch).toString('latin1');
    for (const tap of this.taps) if (tap.matches(path) !== undefined) showTo(tap, batch);
  }
}

function showTo(tap: Tap, batch: Buffer): void {
  const count = readRecordCount(batch);
  let told = 0;
  if (tap.left > 0) {
    for (const record of recordsOf(batch, tap.left)) {
      if (!tap.tell({ record })) break;
      told++;
    }
  }
  tap.left -= told;
  tap.leftOut += Math.max(0, count - told);
}
