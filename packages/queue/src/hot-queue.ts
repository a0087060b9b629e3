import assert from 'node:assert';
import { mkdirSync } from 'node:fs';
import { CheckpointRequests } from './checkpoint-requests.js';
import { addAmounts, NO_AMOUNT, type Amount, type Losses } from './counters.js';
import { restsOfEarlierEpochs, type DurableRest } from './durable-rests.js';
import { QueueError } from './errors.js';
import { HotDatabase } from './hot-database.js';
import {
  currentBootId,
  finishRenewal,
  hotMapBytes,
  makeHot,
  mayBeOpened,
  noteOpening,
  setHotAside,
} from './hot-folder.js';
import { decodePosition, encodePosition, HOT_ROWS } from './hot-rows.js';
import { loadIdentity } from './identity.js';
import { TOLD_CHECK_BYTES, TOLD_CHECK_MS, VALUE_BYTES_MAX } from './limits.js';
import { OldestDrop } from './oldest-drop.js';
import type { Position } from './position.js';
import { footprintBytes } from './room.js';
import type { InspectBatch, QueueOptions } from './settings.js';

/** Rows to put, and with undefined to delete. */
export type RowChanges = ReadonlyMap<string, Uint8Array | undefined>;

export interface NewBatch {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export interface HotQueueOptions {
  /** The queue's directory; made when it is missing. */
  readonly dir: string;
  readonly settings: QueueOptions;
  readonly inspect: InspectBatch;
  /** Several servers each get everything: dropOldest() must drop only for those that are behind. */
  readonly isBroadcast?: boolean;
  /** For tests; the kernel's by default. */
  readonly bootId?: string;
}

export interface HotCounters {
  /** Of this process. */
  readonly appended: Amount;
  /** Since hot was made, by reason. */
  readonly dropped: Losses;
}

/** collect() ends after this long even if more could be deleted: requests wait meanwhile. */
const COLLECT_MS = 5;

const NO_ROWS: RowChanges = new Map();

/**
 * The worker's end of the queue. Everything is synchronous and works in a process that never gets back to its
 * event loop. What append() has returned for survives the death of every process.
 */
export class HotQueue {
  readonly epoch: number;
  private readonly requests: CheckpointRequests;
  private readonly oldest: OldestDrop;
  private appended = NO_AMOUNT;
  private toldAgeBytes = 0;
  private toldAtMs = 0;
  private marksRestsTaken = false;

  private constructor(
    private readonly directory: string,
    readonly source: string,
    private readonly hot: HotDatabase,
    private readonly inspect: InspectBatch,
    isBroadcast: boolean,
  ) {
    this.epoch = hot.epoch;
    this.requests = new CheckpointRequests(hot);
    this.oldest = new OldestDrop(hot, inspect, isBroadcast);
  }

  /**
   * Opens hot, or makes a new one, in a new epoch, when there is none, when the machine was booted since, or when it
   * is damaged. Throws QueueError: `no_room` when the disk is too full to open it.
   */
  static open(options: HotQueueOptions): HotQueue {
    const { dir, settings, inspect, isBroadcast = false, bootId = currentBootId() } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { source, epoch } = loadIdentity(dir);
    finishRenewal(dir, bootId, epoch);
    return new HotQueue(dir, source, openHot(dir, settings, bootId), inspect, isBroadcast);
  }

  /** The sequence that the next batch must carry. */
  nextSequence(): number {
    return this.hot.lastSequence + 1;
  }

  /**
   * One transaction: these batches, these rows, and the deletion of some batches that need not be in hot any
   * longer. Throws QueueError `no_space` when the disk is full, then nothing has changed. The bound in bytes is the
   * caller's to keep: see roomBytes().
   */
  append(batches: readonly NewBatch[], rows: RowChanges = NO_ROWS): void {
    const { hot } = this;
    let bytes = 0;
    for (const [index, batch] of batches.entries()) {
      assert(batch.sequence === hot.lastSequence + 1 + index, 'batches are appended in sequence');
      assert(batch.bytes.length <= VALUE_BYTES_MAX, 'a batch has a limit');
      bytes += batch.bytes.length;
    }
    this.lookAtToldNowAndThen(bytes);
    this.requireDisk(bytes);
    const releaseTo = hot.releasableEnd();
    hot.transact(() => {
      for (const batch of batches) hot.putBatch(batch.sequence, batch.bytes);
      for (const [key, value] of rows) hot.changeRow(key, value);
      if (this.marksRestsTaken)
        hot.putOwn(HOT_ROWS.taken, encodePosition({ epoch: this.epoch, sequence: 0 }));
      hot.removeBatches(releaseTo, hot.lastSequence + batches.length);
    });
    this.marksRestsTaken = false;
    hot.firstSequence = releaseTo;
    hot.lastSequence += batches.length;
    this.appended = addAmounts(this.appended, { batches: batches.length, records: 0, bytes });
    for (const batch of batches) hot.room.wrote(batch.bytes.length);
    for (const value of rows.values()) if (value !== undefined) hot.room.wrote(value.length);
    if (hot.room.isStale) hot.measureRoom();
  }

  putRows(rows: RowChanges): void {
    this.append([], rows);
  }

  row(key: string): Buffer | undefined {
    return this.hot.row(key);
  }

  /** All rows whose key starts with `prefix`, as they are now. */
  rows(prefix: string): [key: string, value: Buffer][] {
    return this.hot.rows(prefix);
  }

  /** Bytes that may be appended before the queue is full. A little too few rather than too many; costs nothing. */
  roomBytes(): number {
    return this.hot.room.leftBytes;
  }

  /** Reads what the drain has told, deletes what need not be here any longer, measures the room. */
  collect(): boolean {
    const { hot } = this;
    const before = { first: hot.firstSequence, room: hot.room.leftBytes };
    const changed = hot.told.refresh();
    const untilMs = performance.now() + COLLECT_MS;
    hot.clearDeadReaders();
    try {
      while (hot.release() && performance.now() < untilMs);
      hot.writeLosses();
    } catch (error) {
      // On a full disk even a deletion can fail; the next one may not.
      if (!(error instanceof QueueError) || error.code !== 'no_space') throw error;
    }
    hot.measureRoom();
    hot.renewIfWorthwhile();
    return changed || before.first !== hot.firstSequence || before.room !== hot.room.leftBytes;
  }

  /**
   * Everything up to here is in the store or acked, and every answered checkpoint request with it: while a request
   * is not answered, this stays below the position that it named.
   */
  checkpointed(): Position {
    return this.requests.position();
  }

  /**
   * Asks the drain to bring everything up to `upTo`, and the durable rests as they are now, to the disk. Returns a
   * ticket for isDurable(). Wake the drain after it.
   */
  requestCheckpoint(upTo: Position): number {
    return this.requests.make(upTo);
  }

  isDurable(ticket: number): boolean {
    return this.requests.isAnswered(ticket);
  }

  /**
   * Makes room by dropping what is oldest, at least `bytes` if there is so much. What lies in the store, and what
   * only some servers are behind with, only the drain can drop: then a request is left for it, nothing is dropped
   * yet, and the caller tries again a little later; when the drain does not answer, the oldest in hot goes, for all.
   * Wake the drain after it.
   */
  dropOldest(bytes: number): Amount {
    this.collect();
    return this.oldest.drop(bytes);
  }

  /** Counts what was not queued, or was taken out; kept across restarts. */
  noteDropped(reason: string, records: number, bytes: number): void {
    this.hot.noteLoss(reason, { batches: 0, records, bytes });
  }

  counters(): HotCounters {
    return { appended: this.appended, dropped: this.hot.losses };
  }

  /**
   * After hot was thrown away: the rests for which fsync(2) had returned. The caller gives all of them, flagged
   * DURABLE_FIRST and under their old stream, to one append(), which also notes that they were taken.
   */
  takeDurableRests(): DurableRest[] {
    if (decodePosition(this.hot.own(HOT_ROWS.taken))?.epoch === this.epoch) return [];
    const rests = restsOfEarlierEpochs(this.directory, this.epoch, this.inspect);
    this.marksRestsTaken = true;
    if (rests.length === 0) this.append([]);
    return rests;
  }

  close(): void {
    this.hot.close();
  }

  private requireDisk(bytes: number): void {
    if (bytes === 0 || this.hot.room.diskTakes(footprintBytes(bytes))) return;
    this.collect();
    if (this.hot.room.diskTakes(footprintBytes(bytes))) return;
    throw new QueueError('no_space', 'the disk that holds the queue is full: make room on it');
  }

  private lookAtToldNowAndThen(bytes: number): void {
    this.toldAgeBytes += bytes;
    const nowMs = performance.now();
    if (this.toldAgeBytes < TOLD_CHECK_BYTES && nowMs - this.toldAtMs < TOLD_CHECK_MS) return;
    this.toldAgeBytes = 0;
    this.toldAtMs = nowMs;
    this.hot.told.refresh();
  }
}

function openHot(directory: string, settings: QueueOptions, bootId: string): HotDatabase {
  if (mayBeOpened(directory, bootId)) {
    noteOpening(directory);
    try {
      const hot = new HotDatabase(directory, settings, bootId);
      noteOpening(directory, true);
      return hot;
    } catch (error) {
      if (!(error instanceof QueueError) || error.code !== 'damaged') {
        noteOpening(directory, true);
        throw error;
      }
    }
  }
  setHotAside(directory);
  makeHot(directory, bootId, hotMapBytes(settings));
  return new HotDatabase(directory, settings, bootId);
}
