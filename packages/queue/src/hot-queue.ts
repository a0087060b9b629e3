import assert from 'node:assert';
import { mkdirSync } from 'node:fs';
import {
  addAmounts,
  addLoss,
  decodeLosses,
  encodeLosses,
  NO_AMOUNT,
  type Amount,
  type Losses,
} from './counters.js';
import { restsOfEarlierEpochs, type DurableRest } from './durable-rests.js';
import { Environment, type Usage } from './environment.js';
import { QueueError } from './errors.js';
import {
  currentBootId,
  finishRenewal,
  hotMapBytes,
  hotFolder,
  makeHot,
  markDamaged,
  mayBeOpened,
  noteOpening,
  oldHots,
  readMade,
  takePlaceOfHot,
  copyHot,
  setHotAside,
} from './hot-folder.js';
import {
  decodeDrop,
  decodePosition,
  decodeRequest,
  encodeDrop,
  encodePosition,
  encodeRequest,
  HOT_ROWS,
  type CheckpointRequest,
  type DropRequest,
} from './hot-rows.js';
import { loadIdentity } from './identity.js';
import {
  BATCH_KEY_BYTES,
  BATCHES_END,
  batchPosition,
  batchKey,
  keyText,
  ownKey,
  rowKey,
  rowRange,
  writeBatchKey,
} from './keys.js';
import {
  DELETES_PER_TRANSACTION,
  OPEN_RESERVE_BYTES,
  RENEW_FILE_BYTES,
  RENEW_INTERVAL_MS,
  RENEW_USED_BYTES_MAX,
  TOLD_CHECK_BYTES,
  TOLD_CHECK_MS,
  VALUE_BYTES_MAX,
} from './limits.js';
import { comparePositions, type Position } from './position.js';
import { footprintBytes, Room } from './room.js';
import type { InspectBatch, QueueOptions } from './settings.js';
import { ToldReader } from './told-file.js';

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
  /** For tests; the kernel's by default. */
  readonly bootId?: string;
}

export interface HotCounters {
  /** Of this process. */
  readonly appended: Amount;
  /** Since hot was made, by reason. */
  readonly dropped: Losses;
}

/** Tickets of different epochs never meet: an answer to an old hot must not be taken for one to the new hot. */
const TICKETS_PER_EPOCH = 2 ** 32;

/** A drain that does not drop from the store within this time is taken for dead, and hot is dropped from instead. */
const DROP_PATIENCE_MS = 250;

/** collect() ends after this long even if more could be deleted: requests wait meanwhile. */
const COLLECT_MS = 5;

const DROP_BATCHES_PER_TRANSACTION = 64;

const NO_ROWS: RowChanges = new Map();

/**
 * The worker's end of the queue. Everything is synchronous and works in a process that never gets back to its
 * event loop. What append() has returned for survives the death of every process.
 */
export class HotQueue {
  private lastSequence = 0;
  /** The first batch that may still be in hot. */
  private firstSequence = 1;
  private usage: Usage = { usedBytes: 0, fileBytes: 0, entries: 0 };
  private losses: Losses = {};
  private lossesChanged = false;
  private appended = NO_AMOUNT;
  private toldAgeBytes = 0;
  private toldAtMs = 0;
  private lastTicket: number;
  private readonly unanswered: CheckpointRequest[] = [];
  private drop: (DropRequest & { atMs: number }) | undefined;
  private marksRestsTaken = false;
  private renewedAtMs = -Infinity;
  private readonly keyBytes = Buffer.alloc(BATCH_KEY_BYTES);

  private constructor(
    private readonly directory: string,
    readonly source: string,
    readonly epoch: number,
    private environment: Environment,
    private readonly toldReader: ToldReader,
    private readonly room: Room,
    private readonly inspect: InspectBatch,
    private readonly mapBytes: number,
  ) {
    this.lastTicket = epoch * TICKETS_PER_EPOCH;
  }

  /**
   * Opens hot, or makes a new one, in a new epoch, when there is none, when the machine was booted since, or when it
   * is damaged. Throws QueueError: `no_room` when the disk is too full to open it.
   */
  static open(options: HotQueueOptions): HotQueue {
    const { dir, settings, inspect, bootId = currentBootId() } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { source, epoch } = loadIdentity(dir);
    finishRenewal(dir, bootId, epoch);
    const mapBytes = hotMapBytes(settings);
    if (mayBeOpened(dir, bootId)) {
      try {
        return HotQueue.openFolder(options, source, bootId, mapBytes);
      } catch (error) {
        if (!(error instanceof QueueError) || error.code !== 'damaged') throw error;
      }
    }
    setHotAside(dir);
    makeHot(dir, bootId, mapBytes);
    return HotQueue.openFolder({ dir, settings, inspect }, source, bootId, mapBytes);
  }

  private static openFolder(
    options: HotQueueOptions,
    source: string,
    bootId: string,
    mapBytes: number,
  ): HotQueue {
    const { dir, settings, inspect } = options;
    const epoch = readMade(hotFolder(dir))?.epoch ?? 0;
    noteOpening(dir);
    const environment = Environment.openWriter(hotFolder(dir), { durable: false, mapBytes });
    const told = new ToldReader(dir, bootId);
    const queue = new HotQueue(
      dir,
      source,
      epoch,
      environment,
      told,
      new Room(dir, settings),
      inspect,
      mapBytes,
    );
    try {
      queue.load();
      noteOpening(dir, true);
    } catch (error) {
      queue.close();
      throw error;
    }
    return queue;
  }

  /** The sequence that the next batch must carry. */
  nextSequence(): number {
    return this.lastSequence + 1;
  }

  /**
   * One transaction: these batches, these rows, and the deletion of some batches that need not be in hot any
   * longer. Throws QueueError `no_space` when the disk is full, then nothing has changed. The bound in bytes is the
   * caller's to keep: see roomBytes().
   */
  append(batches: readonly NewBatch[], rows: RowChanges = NO_ROWS): void {
    let bytes = 0;
    for (const [index, batch] of batches.entries()) {
      assert(batch.sequence === this.lastSequence + 1 + index, 'batches are appended in sequence');
      assert(batch.bytes.length <= VALUE_BYTES_MAX, 'a batch has a limit');
      bytes += batch.bytes.length;
    }
    this.lookAtToldNowAndThen(bytes);
    this.requireDisk(bytes);
    const releaseTo = this.releasableEnd(DELETES_PER_TRANSACTION);
    this.transact(() => {
      for (const batch of batches) {
        this.environment.put(writeBatchKey(this.keyBytes, this.epoch, batch.sequence), batch.bytes);
      }
      this.changeRows(rows);
      if (this.marksRestsTaken) this.putTaken();
      this.removeBatches(releaseTo, this.lastSequence + batches.length);
    });
    this.marksRestsTaken = false;
    this.firstSequence = releaseTo;
    this.lastSequence += batches.length;
    this.appended = addAmounts(this.appended, { batches: batches.length, records: 0, bytes });
    for (const batch of batches) this.room.wrote(batch.bytes.length);
    for (const value of rows.values()) if (value !== undefined) this.room.wrote(value.length);
    if (this.room.isStale) this.measureRoom();
  }

  putRows(rows: RowChanges): void {
    this.append([], rows);
  }

  row(key: string): Buffer | undefined {
    let value: Buffer | undefined;
    this.environment.transact(() => {
      value = this.environment.get(rowKey(key));
    });
    return value;
  }

  /** All rows whose key starts with `prefix`, as they are now. */
  rows(prefix: string): [key: string, value: Buffer][] {
    const rows: [string, Buffer][] = [];
    const [start, end] = rowRange(prefix);
    this.environment.transact(() => {
      this.environment.forEach(start, end, (key, value) => {
        rows.push([keyText(key), Buffer.from(value)]);
        return true;
      });
    });
    return rows;
  }

  /** Bytes that may be appended before the queue is full. A little too few rather than too many; costs nothing. */
  roomBytes(): number {
    return this.room.leftBytes;
  }

  /** Reads what the drain has told, deletes what need not be here any longer, measures the room. */
  collect(): boolean {
    const before = { first: this.firstSequence, room: this.room.leftBytes };
    const changed = this.toldReader.refresh();
    const until = Date.now() + COLLECT_MS;
    this.environment.clearDeadReaders();
    try {
      while (this.release() && Date.now() < until);
      if (this.lossesChanged) this.transact(() => undefined);
    } catch (error) {
      // On a full disk even a deletion can fail; the next one may not.
      if (!(error instanceof QueueError) || error.code !== 'no_space') throw error;
    }
    this.measureRoom();
    this.renewIfWorthwhile();
    return changed || before.first !== this.firstSequence || before.room !== this.room.leftBytes;
  }

  /**
   * Everything up to here is in the store or acked, and every answered checkpoint request with it: while a request
   * is not answered, this stays below the position that it named.
   */
  checkpointed(): Position {
    this.toldReader.refresh();
    const { told } = this.toldReader;
    while ((this.unanswered[0]?.ticket ?? Infinity) <= told.answeredCheckpoint) this.unanswered.shift();
    const acked = { epoch: told.floor.epoch, sequence: told.floor.sequence - 1 };
    let position = comparePositions(acked, told.checkpointed) > 0 ? acked : told.checkpointed;
    for (const { upTo } of this.unanswered) {
      if (comparePositions(position, upTo) >= 0)
        position = { epoch: upTo.epoch, sequence: upTo.sequence - 1 };
    }
    return position;
  }

  /**
   * Asks the drain to bring everything up to `upTo`, and the durable rests as they are now, to the disk. Returns a
   * ticket for isDurable(). Wake the drain after it.
   */
  requestCheckpoint(upTo: Position): number {
    const request = { ticket: this.lastTicket + 1, upTo };
    this.transact(() => {
      this.environment.put(ownKey(HOT_ROWS.request), encodeRequest(request));
    });
    this.lastTicket = request.ticket;
    this.unanswered.push(request);
    return request.ticket;
  }

  isDurable(ticket: number): boolean {
    this.toldReader.refresh();
    return this.toldReader.told.answeredCheckpoint >= ticket;
  }

  /**
   * Makes room by dropping what is oldest, at least `bytes` if there is so much. What lies in the store only the
   * drain can drop: then a request is left for it, nothing is dropped yet, and the caller tries again a little
   * later; when the drain does not answer, the oldest in hot goes. Wake the drain after it.
   */
  dropOldest(bytes: number): Amount {
    this.collect();
    if (this.room.leftBytes >= bytes || this.leaveToDrain(bytes)) return NO_AMOUNT;
    let dropped = NO_AMOUNT;
    while (dropped.bytes < bytes && this.firstSequence <= this.lastSequence) {
      dropped = addAmounts(dropped, this.dropSome(bytes - dropped.bytes));
    }
    this.measureRoom();
    return dropped;
  }

  /** Counts what was not queued, or was taken out; kept across restarts. */
  noteDropped(reason: string, records: number, bytes: number): void {
    this.losses = addLoss(this.losses, reason, { batches: 0, records, bytes });
    this.lossesChanged = true;
  }

  counters(): HotCounters {
    return { appended: this.appended, dropped: this.losses };
  }

  /**
   * After hot was thrown away: the rests for which fsync(2) had returned. The caller gives all of them, flagged
   * DURABLE_FIRST and under their old stream, to one append(), which also notes that they were taken.
   */
  takeDurableRests(): DurableRest[] {
    let taken: Position | undefined;
    this.environment.transact(() => {
      taken = decodePosition(this.environment.get(ownKey(HOT_ROWS.taken)));
    });
    if (taken?.epoch === this.epoch) return [];
    const rests = restsOfEarlierEpochs(this.directory, this.epoch, this.inspect);
    this.marksRestsTaken = true;
    if (rests.length === 0) this.append([]);
    return rests;
  }

  close(): void {
    void this.environment.close();
    this.toldReader.close();
  }

  private load(): void {
    this.environment.transact(() => {
      const row = decodePosition(this.environment.get(ownKey(HOT_ROWS.last)));
      if (row?.epoch !== this.epoch)
        throw new QueueError('damaged', 'hot is of another epoch than its folder says');
      const start = batchKey(this.epoch, 0);
      const first = this.environment.firstKey(start, BATCHES_END);
      const last = this.environment.lastKey(start, BATCHES_END);
      const lastBatch = last === undefined ? 0 : batchPosition(last).sequence;
      this.lastSequence = Math.max(row.sequence, lastBatch);
      this.firstSequence = first === undefined ? this.lastSequence + 1 : batchPosition(first).sequence;
      this.losses = decodeLosses(this.environment.get(ownKey(HOT_ROWS.counters)));
      const request = decodeRequest(this.environment.get(ownKey(HOT_ROWS.request)));
      const drop = decodeDrop(this.environment.get(ownKey(HOT_ROWS.drop)));
      this.lastTicket = Math.max(this.lastTicket, request?.ticket ?? 0, drop?.ticket ?? 0);
    });
    this.toldReader.refresh();
    this.measureRoom();
  }

  /** Writes, and tells a full disk from other errors. */
  private transact(run: () => void): void {
    try {
      this.environment.transact(() => {
        run();
        if (this.lossesChanged) this.environment.put(ownKey(HOT_ROWS.counters), encodeLosses(this.losses));
      });
      this.lossesChanged = false;
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      if (error.code === 'damaged') markDamaged(this.directory);
      if (error.code !== 'io') throw error;
      this.measureRoom();
      if (this.room.diskTakes(footprintBytes(VALUE_BYTES_MAX))) throw error;
      throw new QueueError('no_space', 'the disk that holds the queue is full: make room on it', {
        cause: error,
      });
    }
  }

  private requireDisk(bytes: number): void {
    if (bytes === 0 || this.room.diskTakes(footprintBytes(bytes))) return;
    this.collect();
    if (this.room.diskTakes(footprintBytes(bytes))) return;
    throw new QueueError('no_space', 'the disk that holds the queue is full: make room on it');
  }

  private changeRows(rows: RowChanges): void {
    for (const [key, value] of rows) {
      if (value === undefined) this.environment.remove(rowKey(key));
      else this.environment.put(rowKey(key), value);
    }
  }

  private putTaken(): void {
    this.environment.put(ownKey(HOT_ROWS.taken), encodePosition({ epoch: this.epoch, sequence: 0 }));
  }

  /** Removes batches up to and without `end`. With the newest batch its number would be forgotten, so it is kept. */
  private removeBatches(end: number, newest: number): void {
    for (let sequence = this.firstSequence; sequence < end; sequence++) {
      this.environment.remove(writeBatchKey(this.keyBytes, this.epoch, sequence));
    }
    if (end > newest && end > this.firstSequence) {
      this.environment.put(ownKey(HOT_ROWS.last), encodePosition({ epoch: this.epoch, sequence: newest }));
    }
  }

  /** Where hot may begin after the deletion of at most `countMax` batches. */
  private releasableEnd(countMax: number): number {
    const { floor, checkpointed } = this.toldReader.told;
    let end = this.firstSequence;
    if (floor.epoch === this.epoch) end = Math.max(end, floor.sequence);
    if (checkpointed.epoch === this.epoch) end = Math.max(end, checkpointed.sequence + 1);
    return Math.min(end, this.firstSequence + countMax, this.lastSequence + 1);
  }

  private release(): boolean {
    const end = this.releasableEnd(DELETES_PER_TRANSACTION);
    if (end === this.firstSequence) return false;
    this.transact(() => {
      this.removeBatches(end, this.lastSequence);
    });
    this.firstSequence = end;
    return true;
  }

  private lookAtToldNowAndThen(bytes: number): void {
    this.toldAgeBytes += bytes;
    const now = performance.now();
    if (this.toldAgeBytes < TOLD_CHECK_BYTES && now - this.toldAtMs < TOLD_CHECK_MS) return;
    this.toldAgeBytes = 0;
    this.toldAtMs = now;
    this.toldReader.refresh();
  }

  private measureRoom(): void {
    this.environment.transact(() => {
      this.usage = this.environment.usage();
      this.room.measure(this.usage, this.toldReader.told.storeBytes);
    });
  }

  private renewIfWorthwhile(): void {
    const { usedBytes, fileBytes } = this.usage;
    if (fileBytes < RENEW_FILE_BYTES || usedBytes > RENEW_USED_BYTES_MAX) return;
    if (performance.now() - this.renewedAtMs < RENEW_INTERVAL_MS) return;
    if (!this.room.diskTakes(2 * usedBytes + OPEN_RESERVE_BYTES - (fileBytes - usedBytes))) return;
    this.renewedAtMs = performance.now();
    // No drain has removed the last one: nothing would be gained.
    if (oldHots(this.directory).length > 0) return;
    try {
      copyHot(this.directory, this.environment, this.mapBytes);
    } catch (error) {
      // The old one is as good as it was.
      if (error instanceof QueueError) return;
      throw error;
    }
    void this.environment.close();
    takePlaceOfHot(this.directory);
    this.environment = Environment.openWriter(hotFolder(this.directory), {
      durable: false,
      mapBytes: this.mapBytes,
    });
    this.measureRoom();
  }

  /** True while the drain may still drop from the store. */
  private leaveToDrain(bytes: number): boolean {
    const { told } = this.toldReader;
    if (told.storeBytes === 0) return false;
    if (this.drop !== undefined && told.answeredDrop < this.drop.ticket) {
      return performance.now() - this.drop.atMs < DROP_PATIENCE_MS;
    }
    const request = { ticket: this.lastTicket + 1, bytes };
    this.transact(() => {
      this.environment.put(ownKey(HOT_ROWS.drop), encodeDrop(request));
    });
    this.lastTicket = request.ticket;
    this.drop = { ...request, atMs: performance.now() };
    return true;
  }

  private dropSome(bytes: number): Amount {
    let dropped = NO_AMOUNT;
    let end = this.firstSequence;
    const limit = Math.min(this.lastSequence + 1, end + DROP_BATCHES_PER_TRANSACTION);
    const { losses } = this;
    try {
      this.transact(() => {
        while (end < limit && dropped.bytes < bytes) {
          const value = this.environment.get(batchKey(this.epoch, end++));
          if (value === undefined) continue;
          dropped = addAmounts(dropped, {
            batches: 1,
            records: this.inspect(value).records,
            bytes: value.length,
          });
        }
        this.removeBatches(end, this.lastSequence);
        this.environment.put(
          ownKey(HOT_ROWS.dropped),
          encodePosition({ epoch: this.epoch, sequence: end - 1 }),
        );
        this.losses = addLoss(this.losses, 'drop_oldest', dropped);
        this.lossesChanged = true;
      });
    } catch (error) {
      this.losses = losses;
      throw error;
    }
    this.firstSequence = end;
    return dropped;
  }
}
