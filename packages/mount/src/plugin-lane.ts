import { printable, type Log } from '@k2hft/config';
import { comparePositions, POSITION_ZERO, type Amount, type Position, type QueuedBatch } from '@k2hft/queue';
import { BatchFlag, decodeBatch, rangesOf, readFlags, WireError, type Batch } from '@k2hft/wire';
import { PluginBacklog, type HeldBatch } from './plugin-backlog.js';
import { PluginFeed } from './plugin-feed.js';
import { hasProcessPerPath, pluginCursor, type PluginRule } from './plugin-rules.js';
import type { PluginStatusEntry } from './plugin-status.js';

/** What a plugin's lane needs of a queue; QueueDrain has it. */
export interface LaneQueue {
  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[];
  ack(cursor: string, epoch: number, ranges: readonly [first: number, last: number][]): void;
  floor(cursor: string): Position;
  hasNew(after: Position): boolean;
  /** About what is neither acknowledged nor given up. */
  pendingBytes(cursor: string): number;
  limitCursor(cursor: string, bytesMax: number, after: Position): Amount;
}

export interface PluginLaneOptions {
  readonly queue: LaneQueue;
  readonly rule: PluginRule;
  /** Whether batches of this path are for this rule; the same Buffer has the same answer. */
  readonly owns: (path: Buffer) => boolean;
  /** Cursors of servers, which need nothing of what is for plugins alone. */
  readonly serverCursors: () => readonly string[];
  readonly log: Log;
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

/** How often it is logged that something was dropped. */
const DROP_LOG_INTERVAL_MS = 10_000;

/** At the end of the mount, what cannot be read for so long is left in the queue. */
const UNREADABLE_MS = 500;

/** When what is behind has too many gaps, it is looked through again this often: much of it was dropped meanwhile. */
const RESCAN_INTERVAL_MS = 10_000;

/** Wait after the first look that found something which cannot be read yet. It doubles up to a second. */
const NOT_READY_POLL_MS = 2;
const NOT_READY_POLL_MS_MAX = 1_000;

/**
 * While a plugin does not read, what is behind and not for it is acknowledged all the same, so that the queue need not
 * keep it. Acknowledgements with gaps cost the queue time and memory: beyond so many gaps, no more is looked at. What
 * is dropped from there counts as dropped for this plugin, whoever it is for.
 */
const GAPS_MAX = 4_096;

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
 *                                              #after                                     #scannedTo
 * ```
 */
export class PluginLane {
  private readonly cursor: string;
  private readonly feed: PluginFeed;
  private after: Position = POSITION_ZERO;
  private scannedTo: Position = POSITION_ZERO;
  /** What is for this plugin between `after` and `scannedTo`, in how many pieces; and whether the last one goes on. */
  private gaps = 0;
  private isInGap = false;
  /** Read, and not given to the plugin. */
  private readonly backlog = new PluginBacklog();
  private readonly isPerPath: boolean;
  /** Of what was read: neither taken by the pipe nor passed over. */
  private inHandBytes = 0;
  private settled: Position[] = [];
  private settling: NodeJS.Immediate | undefined;
  private notReadyPollMs = NOT_READY_POLL_MS;
  private nothingReadSinceMs: number | undefined;
  private scanningSinceMs = 0;
  private limitedAtMs = -Infinity;
  private rescannedAtMs = -Infinity;
  private loggedDropAtMs = -Infinity;
  private loggedRecords = 0;
  private fed = { records: 0, bytes: 0 };
  private dropped: Amount = { batches: 0, records: 0, bytes: 0 };
  private damaged = 0;

  constructor(private readonly options: PluginLaneOptions) {
    const { rule, log, poke } = options;
    this.cursor = pluginCursor(rule);
    this.isPerPath = hasProcessPerPath(rule);
    this.feed = new PluginFeed({ rule, log, ready: poke });
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
        return this.backlog.batches === 0 ? waitMs : Math.min(waitMs, this.limit(nowMs));
      }
    }
    const isScanned = !this.scan();
    // What is for others is acknowledged first, so that it is neither counted nor dropped.
    if (isScanned) this.scanningSinceMs = nowMs;
    const isTime = isScanned || nowMs - this.scanningSinceMs > UNSCANNED_LIMIT_MS;
    const waitMs = isTime ? this.limit(nowMs) : LIMIT_INTERVAL_MS;
    return isScanned ? waitMs : 0;
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
    this.settle();
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
      dropped: this.dropped,
      damaged: this.damaged,
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
    const { queue } = this.options;
    const read = queue.read(this.cursor, this.after, READ_BYTES_MAX, READ_COUNT_MAX);
    const last = read.at(-1);
    if (last === undefined) {
      this.nothingReadSinceMs ??= performance.now();
      return false;
    }
    this.nothingReadSinceMs = undefined;
    this.after = last.position;
    for (const queued of read) this.take(queued);
    this.notReadyPollMs = NOT_READY_POLL_MS;
    if (comparePositions(this.after, this.scannedTo) >= 0) this.gaps = 0;
    return true;
  }

  /** Gives it to its process, or holds it. */
  private take(queued: QueuedBatch): void {
    const { position } = queued;
    const batch = this.wanted(queued);
    if (batch === undefined) {
      this.note(position);
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
      this.note(position);
    });
  }

  /** The batch, when it is for this plugin. */
  private wanted({ bytes, position }: QueuedBatch): Batch | undefined {
    try {
      const batch = decodeBatch(bytes, 0);
      if (!this.options.owns(batch.path)) return undefined;
      this.releaseLocal(bytes, position);
      return batch;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.damaged++;
      const { epoch, sequence } = position;
      this.options.log(
        'error',
        `batch ${epoch}/${sequence} is damaged in the queue and no plugin gets it: ${error.message}`,
      );
      return undefined;
    }
  }

  /**
   * What is for plugins alone does not wait for a server. Only at the front: the queue does not get smaller by what
   * is behind something that a server needs.
   */
  private releaseLocal(bytes: Buffer, { epoch, sequence }: Position): void {
    if ((readFlags(bytes) & BatchFlag.LOCAL) === 0) return;
    const { queue, serverCursors } = this.options;
    for (const cursor of serverCursors()) {
      if (comparePositions(queue.floor(cursor), { epoch, sequence }) === 0) {
        queue.ack(cursor, epoch, [[sequence, sequence]]);
      }
    }
  }

  /** While the plugin takes nothing: acknowledges what is not for it. True when there may be more. */
  private scan(): boolean {
    const { queue } = this.options;
    if (this.gaps >= GAPS_MAX) return false;
    if (comparePositions(this.scannedTo, this.after) < 0) this.scannedTo = this.after;
    if (!queue.hasNew(this.scannedTo)) return false;
    const batches = queue.read(this.cursor, this.scannedTo, READ_BYTES_MAX, READ_COUNT_MAX);
    for (const queued of batches) {
      const isOurs = this.wanted(queued) !== undefined;
      if (isOurs && !this.isInGap) this.gaps++;
      this.isInGap = isOurs;
      if (!isOurs) this.note(queued.position);
      this.scannedTo = queued.position;
      if (this.gaps >= GAPS_MAX) break;
    }
    return batches.length > 0;
  }

  /** Returns in how many milliseconds it wants to be called again. */
  private limit(nowMs: number): number {
    const { queue, rule } = this.options;
    if (nowMs - this.limitedAtMs < LIMIT_INTERVAL_MS) return LIMIT_INTERVAL_MS;
    this.settle();
    if (this.dropHeld()) {
      this.logDrops(nowMs);
      return 0;
    }
    this.limitedAtMs = nowMs;
    // What is in hand is pending, but it is not dropped any more.
    const bytesMax = rule.pluginBufferBytes + this.inHandBytes;
    const { batches, records, bytes } = queue.limitCursor(this.cursor, bytesMax, this.after);
    this.countDropped({ batches, records, bytes });
    if (batches > 0 && this.gaps >= GAPS_MAX && nowMs - this.rescannedAtMs > RESCAN_INTERVAL_MS) {
      this.rescannedAtMs = nowMs;
      this.scannedTo = this.after;
      this.gaps = 0;
    }
    this.logDrops(nowMs);
    return LIMIT_INTERVAL_MS;
  }

  /** Where each path has a process: the path that is the furthest behind loses, not whoever comes behind it in the queue. */
  private dropHeld(): boolean {
    if (!this.isPerPath || this.backlog.batches === 0) return false;
    const { queue, rule } = this.options;
    const givenBytes = this.inHandBytes - this.backlog.bytes;
    const excessBytes = queue.pendingBytes(this.cursor) - rule.pluginBufferBytes - givenBytes;
    if (excessBytes <= 0) return false;
    for (const { batch, position, bytes } of this.backlog.dropOldest(excessBytes)) {
      this.inHandBytes -= bytes;
      this.countDropped({ batches: 1, records: batch.recordCount, bytes });
      this.note(position);
    }
    return true;
  }

  private countDropped({ batches, records, bytes }: Amount): void {
    this.dropped = {
      batches: this.dropped.batches + batches,
      records: this.dropped.records + records,
      bytes: this.dropped.bytes + bytes,
    };
  }

  private logDrops(nowMs: number): void {
    const { log, rule } = this.options;
    const records = this.dropped.records - this.loggedRecords;
    if (records === 0 || nowMs - this.loggedDropAtMs < DROP_LOG_INTERVAL_MS) return;
    this.loggedDropAtMs = nowMs;
    this.loggedRecords = this.dropped.records;
    log(
      'warn',
      `plugin ${printable(rule.plugin[0] ?? '')} (${printable(rule.path)}) does not keep up: ${records} records more were dropped for it, ${this.dropped.records} in all`,
    );
  }

  /** Acknowledged soon, together with others. */
  private note(position: Position): void {
    this.settled.push(position);
    this.settling ??= setImmediate(() => {
      this.settle();
    });
  }

  private settle(): void {
    clearImmediate(this.settling);
    this.settling = undefined;
    const { settled } = this;
    if (settled.length === 0) return;
    this.settled = [];
    const { queue, progress } = this.options;
    for (const epoch of new Set(settled.map((position) => position.epoch))) {
      const ofEpoch = settled.filter((position) => position.epoch === epoch);
      queue.ack(this.cursor, epoch, rangesOf(ofEpoch.map(({ sequence }) => sequence)));
    }
    progress();
  }

  /** A batch may be there that must be stored safely before it is given out: it is asked for again, ever less often. */
  private whenNothingWasRead(): number {
    if (!this.options.queue.hasNew(this.after)) return Infinity;
    const waitMs = this.notReadyPollMs;
    this.notReadyPollMs = Math.min(2 * waitMs, NOT_READY_POLL_MS_MAX);
    return waitMs;
  }
}
