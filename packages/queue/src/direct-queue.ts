import assert from 'node:assert';
import { mkdirSync } from 'node:fs';
import { BatchReader, type QueuedBatch } from './batch-reader.js';
import { NO_AMOUNT, type Amount } from './counters.js';
import { limitCursor } from './cursor-limit.js';
import { Cursors } from './cursors.js';
import { DrainBooks } from './drain-books.js';
import { DrainState } from './drain-state.js';
import { statisticsOf, type DrainStatistics } from './drain-statistics.js';
import { QueueError } from './errors.js';
import { Expiry } from './expiry.js';
import { FaultReporter } from './fault-reporter.js';
import { currentBootId } from './hot-folder.js';
import { NoHot } from './hot-tier.js';
import { raiseEpoch } from './identity.js';
import { STATE_SAVE_MS, STORE_RESERVE_BYTES, storeFileBytes, VALUE_BYTES_MAX } from './limits.js';
import { OneAtATime } from './one-at-a-time.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';
import { SEQUENCE_MAX, type Range } from './range-set.js';
import { footprintBytes, Room } from './room.js';
import type { Fault, InspectBatch, QueueOptions } from './settings.js';
import { isCovered, Store, type LedgerChange } from './store.js';
import type { StoreEntry, StoreFile } from './store-file.js';
import { ToldWriter } from './told-file.js';

export interface DirectQueueOptions {
  /** Made when it is missing. Who opens it holds its lock: see lockQueue(). */
  readonly dir: string;
  readonly settings: QueueOptions;
  /** The destinations, each with a name that stays the same. */
  readonly cursors: readonly string[];
  readonly inspect: InspectBatch;
  /** Told once when something goes wrong, and again when something else does; work goes on by itself. */
  readonly onFault: Fault;
  /** For tests; the kernel's by default. */
  readonly bootId?: string;
}

/** A batch with the sequence that its bytes carry. */
export interface DirectBatch {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Unlinking, saving, expiring. */
const TICK_MS = 250;

/** LMDB takes no longer ones. */
const KEY_CHARACTERS_MAX = 500;

const EMPTY_USAGE = { usedBytes: 0, fileBytes: 0, entries: 0 };

/**
 * The queue of a process that both appends and drains. It has no hot: each append is one crash-proof transaction in
 * the store's newest file, with the batches and with rows of a ledger, so that the two never contradict each other.
 *
 * How the ledger survives the unlinking of files: the newest file always carries all of it. The first transaction of
 * a file writes the whole ledger beside its batches, later ones only what changes. A file is unlinked only when a
 * newer one carries the ledger, and LMDB and the folder's entry are flushed by then. So after a crash at any point
 * the newest file that has a transaction in it holds the ledger as of the last append.
 *
 * An append that fails may yet have reached the disk, as may one of which nobody was told that it took too long. Its
 * file gets no further transaction; the next one, which may bring other batches with the same sequences, begins a
 * new file and names in it the position from which everything in earlier files is void. Without a next one, the
 * batches and the rows of the failed append are there after a restart, or neither: both is consistent.
 *
 * Each opening begins a new epoch, so no position is ever given twice.
 */
export class DirectQueue {
  private readonly reader: BatchReader;
  private readonly expiry: Expiry;
  private readonly room: Room;
  private readonly faults: FaultReporter;
  private readonly writing = new OneAtATime();
  private readonly rows: Map<string, Buffer>;
  private lastSequence = 0;
  private appending = false;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  private constructor(
    private readonly options: DirectQueueOptions,
    readonly source: string,
    private readonly books: DrainBooks<NoHot>,
  ) {
    const { dir, settings, onFault } = options;
    this.rows = books.store.ledger();
    this.reader = new BatchReader(books, settings.expireMs, () => undefined);
    this.expiry = new Expiry(books, settings.expireMs);
    this.room = new Room(dir, settings, STORE_RESERVE_BYTES);
    this.faults = new FaultReporter(onFault);
    this.measureRoom();
  }

  /** Throws QueueError `no_room` when the disk is too full to open what is needed, `damaged` for its identity. */
  static async open(options: DirectQueueOptions): Promise<DirectQueue> {
    const { dir, settings, inspect, bootId = currentBootId() } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const state = DrainState.open(dir);
    try {
      const store = Store.open(dir, settings, options.onFault);
      const { source, epoch } = raiseEpoch(dir);
      const told = new ToldWriter(dir, bootId);
      const record = state.cursors();
      const cursors = new Cursors(record, options.cursors, record && store.last);
      cursors.giveUpBelow(told.told.floor);
      for (const leftOut of store.leftOut()) cursors.giveUpAll(leftOut);
      closeEpochs(cursors, store, epoch);
      if (cursors.beginsBehind) await state.save(cursors.record(), state.losses());
      const books = new DrainBooks({ hot: new NoHot(epoch), store, state, cursors, told, inspect });
      books.changed();
      const queue = new DirectQueue(options, source, books);
      queue.start();
      return queue;
    } catch (error) {
      await state.close();
      throw error;
    }
  }

  /** Of what is appended from now on. */
  epoch(): number {
    return this.books.hot.epoch;
  }

  /** The sequence that the next batch must carry. */
  nextSequence(): number {
    return this.lastSequence + 1;
  }

  /**
   * Batches with consecutive sequences from nextSequence(), and rows of the ledger, in one transaction; on disk when
   * it resolves. Their bytes must not change until then. One call at a time. Rejects with QueueError `no_space` when
   * the queue or the disk is full, or with that of a fault: then nothing of it is there, and it may be called again.
   */
  async append(batches: readonly DirectBatch[], ledger: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const first = this.nextSequence();
    const entries = batches.map(({ sequence, bytes }, index) => {
      assert(sequence === first + index, 'batches are appended in sequence');
      assert(bytes.length <= VALUE_BYTES_MAX, 'a batch has a limit');
      return this.entry(sequence, bytes);
    });
    await this.write(entries, ledger);
    this.lastSequence += entries.length;
    const { last } = this.books.store;
    this.books.moved(last, {});
    this.books.forgetUnwanted();
  }

  /**
   * Every row of the ledger as of the last append that is on disk. It is exactly as consistent with the batches as
   * they were appended, after any crash. A live view: it changes with each append.
   */
  ledger(): ReadonlyMap<string, Buffer> {
    return this.rows;
  }

  /** Removes rows of the ledger; on disk when it resolves. Rejects as append() does, and is one call of it. */
  async forget(keys: Iterable<string>): Promise<void> {
    const removed = [...keys].filter((key) => this.rows.has(key));
    if (removed.length > 0) await this.write([], new Map(removed.map((key) => [key, undefined])));
  }

  /** Bytes that may be appended before the queue is full. A little too few rather than too many; costs nothing. */
  roomBytes(): number {
    return this.room.leftBytes;
  }

  /** Makes room for `bytes` by giving up whole files of the store, oldest first. */
  dropOldest(bytes: number): Amount {
    this.measureRoom();
    const missingBytes = bytes - this.room.leftBytes;
    if (missingBytes <= 0) return NO_AMOUNT;
    const dropped = this.attempt(() => this.books.giveUpFiles(missingBytes, this.unneeded()), NO_AMOUNT);
    this.books.changed();
    this.measureRoom();
    this.tidy();
    return dropped;
  }

  /**
   * Batches behind `after` that this cursor has neither acked nor lost, in order: at most `countMax`, and at most
   * `bytesMax` bytes but at least one. Start with floor(); go on with the position of the last one.
   */
  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[] {
    return this.attempt(() => this.reader.read(cursor, after, bytesMax, countMax), []);
  }

  /** It survives the death of the process at once, and loss of power after a second. */
  ack(cursor: string, epoch: number, ranges: readonly Range[]): void {
    if (this.books.cursors.has(cursor)) this.books.ack(cursor, epoch, ranges);
  }

  /** The lowest position that is not acked by this cursor, or by all. */
  floor(cursor?: string): Position {
    const { cursors } = this.books;
    return cursor === undefined ? cursors.gone.floor : cursors.set(cursor).floor;
  }

  hasNew(after: Position): boolean {
    return comparePositions(this.books.store.last, after) > 0;
  }

  /** Nobody else writes into this queue. */
  noticed(): void {
    this.books.forgetUnwanted();
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  statistics(): DrainStatistics {
    return statisticsOf(this.books);
  }

  /** As that of QueueDrain. */
  limitCursor(cursor: string, bytesMax: number, after = POSITION_ZERO): Amount {
    return this.attempt(() => limitCursor(this.books, cursor, bytesMax, after), NO_AMOUNT);
  }

  /** Saves the cursors. */
  async checkpoint(): Promise<void> {
    await this.writing.run(() => this.books.save());
  }

  /** After the last append has settled. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    await this.writing.run(() => this.tidyNow()).catch(this.fault);
    await this.writing.run(() => this.books.save()).catch(this.fault);
    await this.abandon();
  }

  /** Lets everything go with nothing saved, as a kill would. */
  async abandon(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.timer);
    await this.books.close();
  }

  private start(): void {
    this.timer = setInterval(() => {
      if (!this.faults.failedLately) this.tidy();
    }, TICK_MS);
    this.timer.unref();
  }

  private tidy(): void {
    if (this.isClosed || this.writing.isBusy) return;
    this.writing.run(() => this.tidyNow()).catch(this.fault);
  }

  private async tidyNow(): Promise<void> {
    if (this.isClosed) return;
    this.books.state.clearDeadReaders();
    this.expiry.run();
    await this.books.unlinkCovered();
    await this.books.saveWhenOlderThan(STATE_SAVE_MS);
    this.measureRoom();
  }

  private entry(sequence: number, bytes: Uint8Array): StoreEntry {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      position: { epoch: this.epoch(), sequence },
      bytes: view,
      records: this.options.inspect(view).records,
    };
  }

  private async write(
    entries: readonly StoreEntry[],
    changes: ReadonlyMap<string, Uint8Array | undefined>,
  ): Promise<void> {
    assert(!this.appending && !this.isClosed, 'one append at a time, while the queue is open');
    this.appending = true;
    try {
      const neededBytes = sizeOf(entries, changes);
      if (neededBytes > this.room.leftBytes) this.measureRoom();
      if (entries.length > 0 && neededBytes > this.room.leftBytes) await this.leaveNewest();
      if (entries.length > 0) this.requireRoom(neededBytes);
      this.replaceWhenFull(neededBytes);
      for (const key of changes.keys())
        assert(key.length > 0 && key.length <= KEY_CHARACTERS_MAX, 'the key of a row has a limit');
      const ledger: LedgerChange = {
        rows: changes,
        from: { epoch: this.epoch(), sequence: this.nextSequence() },
        whole: () => new Map([...this.rows, ...changes]),
      };
      await this.books.store.append(entries, this.books.cursors.gone.record(), ledger);
      this.noteRows(changes);
      this.measureRoom();
      this.faults.cleared();
    } finally {
      this.appending = false;
    }
  }

  private noteRows(changes: ReadonlyMap<string, Uint8Array | undefined>): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.rows.delete(key);
      else this.rows.set(key, Buffer.from(value));
    }
  }

  private requireRoom(bytes: number): void {
    if (bytes <= this.room.leftBytes) return;
    throw new QueueError('no_space', `the queue ${this.options.dir} is full: ${bytes} bytes do not fit`);
  }

  /** The newest file is replaced when all of it is acked and more would make it too large. */
  private replaceWhenFull(bytes: number): void {
    const { store, cursors } = this.books;
    const newest = store.carrier;
    if (newest === undefined || newest !== store.all.at(-1) || !isCovered(newest, cursors.gone)) return;
    if (newest.fileBytes + bytes > storeFileBytes(this.options.settings.maxSizeBytes)) store.sealNewest();
  }

  /**
   * On a disk that is short of room, the newest file must not keep out what comes when it only carries the ledger any
   * more: a small one takes that over, and the disk gets the rest back.
   */
  private async leaveNewest(): Promise<void> {
    const { store, cursors } = this.books;
    const { carrier } = store;
    if (carrier?.first === undefined || carrier !== store.all.at(-1) || !isCovered(carrier, cursors.gone))
      return;
    store.sealNewest();
    const from = { epoch: this.epoch(), sequence: this.nextSequence() };
    const rows = this.rows;
    await store.append([], cursors.gone.record(), { rows, from, whole: () => rows });
    await this.writing.run(() => this.books.unlinkCovered());
    this.measureRoom();
  }

  /** Files that are unlinked soon; the newest as well, as soon as another carries the ledger. */
  private unneeded(): StoreFile[] {
    const { store, cursors } = this.books;
    return store.all.filter((file) => isCovered(file, cursors.gone));
  }

  private measureRoom(): void {
    const { store } = this.books;
    const unneededBytes = this.unneeded().reduce((sum, { fileBytes }) => sum + fileBytes, 0);
    this.room.measure(EMPTY_USAGE, store.bytes - unneededBytes);
  }

  /** What cannot be read just now is read later. */
  private attempt<T>(look: () => T, otherwise: T): T {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      this.fault(error);
      return otherwise;
    }
  }

  private readonly fault = (error: unknown): void => {
    if (!this.isClosed) this.faults.report(error);
  };
}

/** What of earlier epochs is not in the store will never come. */
function closeEpochs(cursors: Cursors, store: Store, present: number): void {
  for (let { epoch } = cursors.gone.floor; epoch < present; epoch++) {
    cursors.giveUp(epoch, store.lastInEpoch(epoch) + 1, SEQUENCE_MAX);
  }
}

function sizeOf(
  entries: readonly StoreEntry[],
  changes: ReadonlyMap<string, Uint8Array | undefined>,
): number {
  let bytes = 0;
  for (const entry of entries) bytes += footprintBytes(entry.bytes.length);
  for (const value of changes.values()) bytes += footprintBytes(value?.length ?? 0);
  return bytes;
}
