import { POSITION_ZERO, type Amount, type Position, type QueuedBatch } from '@k2hft/queue';
import { PluginAcks } from './plugin-acks.js';
import { PluginBacklog, type HeldBatch } from './plugin-backlog.js';
import { PluginDrops } from './plugin-drops.js';
import { PluginFeed } from './plugin-feed.js';
import { PluginLookahead } from './plugin-lookahead.js';
import { hasProcessPerPath, pluginCursor, type PluginRule } from './plugin-rules.js';
import { PluginSelection, type PluginSelectionOptions } from './plugin-selection.js';
import type { PluginStatusEntry } from './plugin-status.js';

/** What a plugin's lane needs of a queue; QueueDrain has it. */
export interface LaneQueue {
  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[];
  ack(cursor: string, epoch: number, ranges: readonly [first: number, last: number][]): void;
  floor(cursor: string): Position;
  hasNew(after: Position): boolean;
  /** About what is neither acknowledged nor given up, up to `to`. */
  pendingBytes(cursor: string, to: Position | undefined): number;
  /** What is behind `to` is neither counted nor given up. */
  limitCursor(cursor: string, bytesMax: number, after: Position, to: Position | undefined): Amount;
}

export interface PluginLaneOptions extends PluginSelectionOptions {
  readonly queue: LaneQueue;
  readonly rule: PluginRule;
  /** Has poll() called soon. */
  readonly poke: () => void;
  /** Something was acknowledged. */
  readonly progress: () => void;
}

/** One look into the queue: held in memory until the pipe has taken it, together with what the plugin keeps itself. */
const READ_BYTES_MAX = 256 * 1024;
const READ_COUNT_MAX = 1024;

/** After so many looks the event loop gets its turn. */
const TURN_LOOKS_MAX = 8;

/** How often it is looked how far a plugin is behind. */
const LIMIT_INTERVAL_MS = 250;

/** That waits until what is behind was looked through, but not longer than this. */
const UNSCANNED_LIMIT_MS = 60_000;

/** At the end of the mount, what cannot be read for so long is left in the queue. */
const UNREADABLE_MS = 500;

/** Wait after the first look that found something which cannot be read yet. It doubles up to a second. */
const NOT_READY_POLL_MS = 2;
const NOT_READY_POLL_MS_MAX = 1_000;

/**
 * Where each path has a process, so much is held for those that do not read, so that the others go on. It is memory of
 * this process, and each batch may be a gap. When there is more, all of them wait.
 */
const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;
const BACKLOG_BATCHES_MAX = 8_192;

/**
 * Reads the queue under the cursor of one rule's plugin and feeds the plugin what its rule's paths have. A batch is
 * acknowledged when the pipe has taken it. A plugin that does not read stops its own lane only: when it is further
 * behind than its buffer, the oldest is dropped and counted. Where each path has a process, what is behind for one that
 * does not read is held while the others go on, and the path that is the furthest behind loses first.
 *
 * ```
 *   acknowledged │ read, with the plugin, or held │ waits, and what is for others acknowledged │ not looked at
 *                                              #after                                     #lookahead
 * ```
 */
export class PluginLane {
  private readonly cursor: string;
  private readonly selection: PluginSelection;
  private readonly lookahead: PluginLookahead;
  private readonly feed: PluginFeed;
  private readonly acks: PluginAcks;
  private readonly drops: PluginDrops;
  private after: Position = POSITION_ZERO;
  /** Read, and not given to the plugin. */
  private readonly backlog = new PluginBacklog();
  private readonly isPerPath: boolean;
  /** Of what was read: neither taken by the pipe nor passed over. */
  private inHandBytes = 0;
  private notReadyPollMs = NOT_READY_POLL_MS;
  private nothingReadSinceMs: number | undefined;
  private scanningSinceMs = 0;
  private limitedAtMs = -Infinity;
  private fed = { records: 0, bytes: 0 };

  constructor(private readonly options: PluginLaneOptions) {
    const { queue, rule, log, poke, progress } = options;
    this.cursor = pluginCursor(rule);
    this.isPerPath = hasProcessPerPath(rule);
    this.selection = new PluginSelection(options);
    this.lookahead = new PluginLookahead({
      hasNew: (after) => queue.hasNew(after),
      read: (after) => this.read(after),
      isWanted: (queued) => this.selection.wanted(queued) !== undefined,
      pass: (position) => {
        this.acks.note(position);
      },
    });
    this.feed = new PluginFeed({ rule, log, ready: poke });
    this.acks = new PluginAcks({ cursor: this.cursor, queue, progress });
    this.drops = new PluginDrops(rule, log);
  }

  get rule(): PluginRule {
    return this.options.rule;
  }

  start(): void {
    this.feed.start();
  }

  /** Feeds what can be fed now. Returns in how many milliseconds it wants to be called again at the latest. */
  poll(nowMs: number): number {
    let looks = 0;
    this.giveBacklog();
    while (!this.isFull) {
      if (++looks > TURN_LOOKS_MAX) return 0;
      this.scanningSinceMs = nowMs;
      if (!this.look()) {
        const waitMs = this.whenNothingWasRead();
        if (this.backlog.batches === 0) return waitMs;
        return Math.min(waitMs, this.limit(nowMs, this.lookahead.knownTo(this.after)));
      }
    }
    const isScanned = !this.lookahead.scan(this.after);
    // What is for others is acknowledged first, so that it is neither counted nor dropped; what has come since was not looked at.
    if (isScanned) {
      this.scanningSinceMs = nowMs;
      return this.limit(nowMs, this.lookahead.knownTo(this.after));
    }
    if (nowMs - this.scanningSinceMs > UNSCANNED_LIMIT_MS) this.limit(nowMs, undefined);
    return 0;
  }

  /** Everything that is in the queue was given to the plugin. */
  get isDone(): boolean {
    if (this.backlog.batches > 0 || this.feed.waitingBytes > 0) return false;
    if (!this.options.queue.hasNew(this.after)) return true;
    return performance.now() - (this.nothingReadSinceMs ?? Infinity) > UNREADABLE_MS;
  }

  /** Ends the plugin; what it has not got stays in the queue. */
  async stop(graceMs: number, termMs: number): Promise<void> {
    await this.feed.stop(graceMs, termMs);
    this.acks.settle();
  }

  status(): PluginStatusEntry {
    const { rule } = this.options;
    const { processes, restarts } = this.feed.status();
    const errors = processes.map(({ lastError }) => lastError).filter((error) => error !== undefined);
    return {
      rule: rule.path,
      command: rule.plugin,
      processes: processes.map(({ state, pid }) => ({ state, pid })),
      restarts,
      fed: { ...this.fed },
      dropped: this.drops.amount,
      damaged: this.selection.damaged,
      lastError: errors.sort((a, b) => b.atMs - a.atMs)[0],
    };
  }

  /** Nothing more is read: it could not be given. */
  private get isFull(): boolean {
    const { batches, bytes } = this.backlog;
    if (!this.isPerPath) return batches > 0;
    return (
      batches >= BACKLOG_BATCHES_MAX ||
      bytes >= Math.min(this.options.rule.pluginBufferBytes, BACKLOG_BYTES_MAX)
    );
  }

  private giveBacklog(): void {
    for (const key of this.backlog.keys) this.backlog.giveFrom(key, (held) => this.give(key, held));
  }

  /** Reads on; false when there is nothing. */
  private look(): boolean {
    const read = this.read(this.after);
    const last = read.at(-1);
    if (last === undefined) {
      this.nothingReadSinceMs ??= performance.now();
      return false;
    }
    this.nothingReadSinceMs = undefined;
    this.after = last.position;
    for (const queued of read) this.take(queued);
    this.notReadyPollMs = NOT_READY_POLL_MS;
    this.lookahead.wasRead(this.after);
    return true;
  }

  private read(after: Position): QueuedBatch[] {
    return this.options.queue.read(this.cursor, after, READ_BYTES_MAX, READ_COUNT_MAX);
  }

  /** Gives it to its process, or holds it. */
  private take(queued: QueuedBatch): void {
    const { position } = queued;
    const batch = this.selection.wanted(queued);
    if (batch === undefined) {
      this.acks.note(position);
      return;
    }
    const held = { batch, position, bytes: queued.bytes.length };
    this.inHandBytes += held.bytes;
    const key = this.feed.keyOf(batch);
    if (this.backlog.has(key) || !this.give(key, held)) this.backlog.add(key, held);
  }

  /** False when the process has no room for it. */
  private give(key: string, { batch, position, bytes }: HeldBatch): boolean {
    return this.feed.give(key, batch, () => {
      this.inHandBytes -= bytes;
      this.fed.records += batch.recordCount;
      this.fed.bytes += batch.payload.length;
      this.acks.note(position);
    });
  }

  /** Up to `to` it is known what is for whom. Returns in how many milliseconds it wants to be called again. */
  private limit(nowMs: number, to: Position | undefined): number {
    const { queue, rule } = this.options;
    if (nowMs - this.limitedAtMs < LIMIT_INTERVAL_MS) return LIMIT_INTERVAL_MS;
    this.acks.settle();
    if (this.dropHeld(to)) {
      this.drops.tell(nowMs);
      return 0;
    }
    this.limitedAtMs = nowMs;
    // What is in hand is pending, but it is not dropped any more.
    const bytesMax = rule.pluginBufferBytes + this.inHandBytes;
    const dropped = queue.limitCursor(this.cursor, bytesMax, this.after, to);
    this.drops.count(dropped);
    if (dropped.batches > 0) this.lookahead.wasCut(this.after, nowMs);
    this.drops.tell(nowMs);
    return LIMIT_INTERVAL_MS;
  }

  /** Where each path has a process: the path that is the furthest behind loses, not whoever comes behind it in the queue. */
  private dropHeld(to: Position | undefined): boolean {
    if (!this.isPerPath || this.backlog.batches === 0) return false;
    const { queue, rule } = this.options;
    const givenBytes = this.inHandBytes - this.backlog.bytes;
    const excessBytes = queue.pendingBytes(this.cursor, to) - rule.pluginBufferBytes - givenBytes;
    if (excessBytes <= 0) return false;
    for (const { batch, position, bytes } of this.backlog.dropOldest(excessBytes)) {
      this.inHandBytes -= bytes;
      this.drops.count({ batches: 1, records: batch.recordCount, bytes });
      this.acks.note(position);
    }
    return true;
  }

  /** A batch may be there that must be stored safely before it is given out: it is asked for again, ever less often. */
  private whenNothingWasRead(): number {
    if (!this.options.queue.hasNew(this.after)) return Infinity;
    const waitMs = this.notReadyPollMs;
    this.notReadyPollMs = Math.min(2 * waitMs, NOT_READY_POLL_MS_MAX);
    return waitMs;
  }
}
