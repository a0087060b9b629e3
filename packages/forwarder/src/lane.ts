import { POSITION_ZERO, comparePositions, type Position } from '@k2hft/queue';
import { BatchFlag, WireError, decodeBatch, rangesOf, readFlags, readRecordCount } from '@k2hft/wire';
import type { ServerLink } from './link.js';
import { packBatches } from './packing.js';
import type { QueueSource, QueuedBatch, SequenceRange } from './queue-source.js';
import { PACK_BYTES_MAX, type ForwarderServers } from './settings.js';
import type { Log } from './status.js';

/** One look into the queue reads at most this much: what is read is held in memory until the socket has taken it. */
const READ_BYTES_MAX = 1024 * 1024;
const READ_COUNT_MAX = 4096;

/** After this much the event loop gets its turn, so that acknowledgements are read and timers run. */
const TURN_BYTES_MAX = 4 * 1024 * 1024;

/** A look that finds only what is not sent counts as so much. */
const LOOK_BYTES = 64 * 1024;

/** Wait after the first look that found something which cannot be read yet. It doubles up to a second. */
const NOT_READY_POLL_MS = 2;
const NOT_READY_POLL_MS_MAX = 1_000;

export interface LaneOptions {
  readonly queue: QueueSource;
  readonly cursor: string;
  readonly linger: Pick<ForwarderServers, 'lingerMs' | 'lingerRecords'>;
  readonly log: Log;
  /** Which batches are this lane's; the others are passed over. Default: all. */
  readonly accepts?: (batch: Buffer) => boolean;
}

/**
 * Reads the queue under one cursor, from the front to the end, and gives what it reads to one server at a time.
 * It holds no batch longer than `linger` says: what has to be sent again is read again.
 */
export class Lane {
  readonly cursor: string;
  /** Batches that were damaged in the queue, and had to be given up. */
  damaged = 0;
  /** May be changed at any time. */
  linger: LaneOptions['linger'];
  readonly #options: LaneOptions;
  #after: Position = POSITION_ZERO;
  /** Up to here, batches are checked before they are sent: a server has refused one of them. */
  #checkUpTo: Position = POSITION_ZERO;
  /** Up to here, batches were in flight when the connection broke; so many of them are not in flight again. */
  #owedUpTo: Position = POSITION_ZERO;
  #owedBatches = 0;
  #held: QueuedBatch[] = [];
  #heldBytes = 0;
  #heldRecords = 0;
  #heldSinceMs = 0;
  #notReadyPollMs = NOT_READY_POLL_MS;
  #hurried = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.linger = options.linger;
    this.cursor = options.cursor;
  }

  /**
   * Sends what the queue has, as far as `link` takes it; first of all what the link's last connection has left
   * unanswered. Returns in how many milliseconds it wants to be called again, Infinity if only news change anything.
   */
  fill(link: ServerLink, nowMs: number): number {
    this.#resume(link);
    let turnBytes = TURN_BYTES_MAX;
    for (let room = link.roomBytes(); room > 0; room = link.roomBytes()) {
      if (turnBytes <= 0) return 0;
      const read = this.#read(room, nowMs);
      const waitMs = this.#lingerLeftMs(nowMs);
      if (waitMs <= 0) turnBytes -= this.#flush(link, nowMs) || LOOK_BYTES;
      else if (read === 0) return waitMs;
      if (read === 0) return this.#whenNothingWasRead();
    }
    return Infinity;
  }

  /** Sends again what the link's last connection has left unanswered, and nothing that is new. Returns what fill() returns. */
  resend(link: ServerLink, nowMs: number): number {
    this.#resume(link);
    for (let room = link.roomBytes(); room > 0 && this.owes; room = link.roomBytes()) {
      const read = this.#read(room, nowMs, this.#owedUpTo);
      this.#flush(link, nowMs);
      if (read === 0) return this.#whenNothingWasRead();
    }
    return Infinity;
  }

  /** Something that was in flight when a connection broke is not yet in flight again. */
  get owes(): boolean {
    return comparePositions(this.#after, this.#owedUpTo) < 0;
  }

  /** Batches that `link` was sent, on its last connection or one before, and has not acknowledged: it may have them. */
  unansweredBatches(link: ServerLink): number {
    return link.flight.total.batches + (this.owes ? this.#owedBatches : 0);
  }

  /** What `link` was sent and did not acknowledge goes to whichever server is next. */
  giveToNext(link: ServerLink): void {
    this.#rewind(link);
    this.#owedUpTo = POSITION_ZERO;
    this.#owedBatches = 0;
  }

  acked(epoch: number, ranges: SequenceRange[]): void {
    this.#options.queue.ack(this.cursor, epoch, ranges);
  }

  /** From now on nothing waits for company. */
  hurry(): void {
    this.#hurried = true;
  }

  #resume(link: ServerLink): void {
    if (!link.flight.stale || link.state !== 'up') return;
    // It may have been lost before everything was sent again that it owed by then.
    const last = link.flight.last() ?? POSITION_ZERO;
    if (comparePositions(last, this.#owedUpTo) > 0) this.#owedUpTo = last;
    this.#owedBatches += link.flight.total.batches;
    this.#rewind(link);
  }

  #rewind(link: ServerLink): void {
    const first = link.flight.first();
    if (first === undefined) return;
    if (link.flight.suspect) this.#checkUpTo = link.flight.last() ?? POSITION_ZERO;
    link.flight.clear();
    this.#after = { epoch: first.epoch, sequence: first.sequence - 1 };
    this.#dropHeld();
  }

  /** Reads on, at most up to `upTo`; returns how many batches there were. */
  #read(room: number, nowMs: number, upTo?: Position): number {
    const { queue } = this.#options;
    const read = queue.read(this.cursor, this.#after, Math.min(room, READ_BYTES_MAX), READ_COUNT_MAX);
    const batches =
      upTo === undefined ? read : read.filter((batch) => comparePositions(batch.position, upTo) <= 0);
    const last = batches.at(-1);
    if (last === undefined) return 0;
    this.#after = last.position;
    this.#notReadyPollMs = NOT_READY_POLL_MS;
    if (this.#held.length === 0) this.#heldSinceMs = nowMs;
    const { accepts } = this.#options;
    for (const batch of this.#withoutLocal(batches)) {
      if (accepts?.(batch.bytes) !== false && this.#isSound(batch)) this.#hold(batch);
    }
    return batches.length;
  }

  /** What is for the plugins of this host is done with, as far as servers are concerned. */
  #withoutLocal(batches: readonly QueuedBatch[]): readonly QueuedBatch[] {
    const local = batches.filter(({ bytes }) => (readFlags(bytes) & BatchFlag.LOCAL) !== 0);
    if (local.length === 0) return batches;
    for (const epoch of new Set(local.map(({ position }) => position.epoch))) {
      const sequences = local.filter(({ position }) => position.epoch === epoch);
      this.acked(epoch, rangesOf(sequences.map(({ position }) => position.sequence)));
    }
    return batches.filter(({ bytes }) => (readFlags(bytes) & BatchFlag.LOCAL) === 0);
  }

  #hold(batch: QueuedBatch): void {
    this.#held.push(batch);
    this.#heldBytes += batch.bytes.length;
    if (this.linger.lingerRecords > 0) this.#heldRecords += readRecordCount(batch.bytes);
  }

  /** Milliseconds until what is held must go; 0 or less when it must go now. */
  #lingerLeftMs(nowMs: number): number {
    const { lingerMs, lingerRecords } = this.linger;
    if (this.#hurried || this.#owedBatches > 0 || this.#heldBytes >= PACK_BYTES_MAX) return 0;
    if (lingerRecords > 0 && this.#heldRecords >= lingerRecords) return 0;
    return this.#held.length === 0 ? 0 : this.#heldSinceMs + lingerMs - nowMs;
  }

  #flush(link: ServerLink, nowMs: number): number {
    const bytes = this.#heldBytes;
    if (this.#held.length > 0) {
      link.sendFloor(this.#options.queue.floor(this.cursor), nowMs);
      for (const group of packBatches(this.#held, PACK_BYTES_MAX)) link.send(group, nowMs);
    }
    if (this.#owedBatches > 0) this.#noteSentAgain();
    this.#dropHeld();
    return bytes;
  }

  /** What was given up meanwhile is not sent again, and not owed any more either. */
  #noteSentAgain(): void {
    const again = this.#held.filter(({ position }) => comparePositions(position, this.#owedUpTo) <= 0);
    this.#owedBatches = this.owes ? Math.max(0, this.#owedBatches - again.length) : 0;
  }

  #dropHeld(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#heldRecords = 0;
  }

  /** What is there and cannot be read now, for want of room or of its copy on the disk, is asked for again, ever less often. */
  #whenNothingWasRead(): number {
    if (this.owes && this.#isGivenUp()) this.#after = this.#owedUpTo;
    if (!this.#options.queue.hasNew(this.#after)) return Infinity;
    const waitMs = this.#notReadyPollMs;
    this.#notReadyPollMs = Math.min(2 * waitMs, NOT_READY_POLL_MS_MAX);
    return waitMs;
  }

  /** Nothing of what it owes is in the queue any more. That nothing was read does not say so: it may come later. */
  #isGivenUp(): boolean {
    const next = this.#options.queue.floor(this.cursor, this.#after);
    return comparePositions(next, this.#owedUpTo) > 0;
  }

  /**
   * After a server has refused something, damaged batches are given up: they would be refused for ever, and
   * everything behind them would wait for ever.
   */
  #isSound(batch: QueuedBatch): boolean {
    if (comparePositions(batch.position, this.#checkUpTo) > 0) return true;
    try {
      decodeBatch(batch.bytes, 0);
      return true;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const { epoch, sequence } = batch.position;
      this.damaged += 1;
      this.#options.log(
        'error',
        `batch ${epoch}/${sequence} is damaged in the queue and cannot be sent: ${error.message}`,
      );
      this.acked(epoch, [[sequence, sequence]]);
      return false;
    }
  }
}
