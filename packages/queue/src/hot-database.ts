import { addLoss, decodeLosses, encodeLosses, type Amount, type Losses } from './counters.js';
import { Environment, type Usage } from './environment.js';
import { QueueError } from './errors.js';
import {
  copyHot,
  hotFolder,
  hotMapBytes,
  markDamaged,
  oldHots,
  readMade,
  takePlaceOfHot,
} from './hot-folder.js';
import { decodeDrop, decodePosition, decodeRequest, encodePosition, HOT_ROWS } from './hot-rows.js';
import {
  BATCH_KEY_BYTES,
  BATCHES_END,
  batchKey,
  batchPosition,
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
  RENEW_IDLE_FILE_BYTES,
  RENEW_IDLE_USED_BYTES_MAX,
  RENEW_INTERVAL_MS,
  RENEW_USED_BYTES_MAX,
  VALUE_BYTES_MAX,
} from './limits.js';
import { footprintBytes, Room } from './room.js';
import type { QueueOptions } from './settings.js';
import { ToldReader } from './told-file.js';

/** Tickets of different epochs never meet: an answer to an old hot must not be taken for one to the new hot. */
const TICKETS_PER_EPOCH = 2 ** 32;

/**
 * Hot as its one writer sees it: batches `firstSequence` to `lastSequence`, rows, and what the drain has told of
 * them. All of it works in a process that never gets back to its event loop, so everything is read in transactions.
 */
export class HotDatabase {
  /** The first batch that may still be here. */
  firstSequence = 1;
  lastSequence = 0;
  readonly epoch: number;
  readonly told: ToldReader;
  readonly room: Room;
  private readonly mapBytes: number;
  private environment: Environment;
  private usage: Usage = { usedBytes: 0, fileBytes: 0, entries: 0 };
  private lastTicket: number;
  private noted: Losses = {};
  private hasNewLosses = false;
  private renewedAtMs = -Infinity;
  private readonly keyBytes = Buffer.alloc(BATCH_KEY_BYTES);

  /** Opens the hot that lies in the folder. Throws QueueError, `damaged` among others. */
  constructor(
    private readonly directory: string,
    settings: QueueOptions,
    bootId: string,
  ) {
    this.epoch = readMade(hotFolder(directory))?.epoch ?? 0;
    this.lastTicket = this.epoch * TICKETS_PER_EPOCH;
    this.mapBytes = hotMapBytes(settings);
    this.told = new ToldReader(directory, bootId);
    this.room = new Room(directory, settings);
    this.environment = this.openEnvironment();
    try {
      this.load();
      this.told.refresh();
      this.measureRoom();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get losses(): Losses {
    return this.noted;
  }

  nextTicket(): number {
    return ++this.lastTicket;
  }

  /** Counted in memory, and written with the next transaction; inside of one, with that. */
  noteLoss(reason: string, amount: Amount): void {
    this.noted = addLoss(this.noted, reason, amount);
    this.hasNewLosses = true;
  }

  /** One transaction; throws QueueError, `no_space` when the disk is full, and then nothing was written. */
  transact(run: () => void): void {
    const { noted, hasNewLosses } = this;
    try {
      this.environment.transact(() => {
        run();
        if (this.hasNewLosses) this.environment.put(ownKey(HOT_ROWS.counters), encodeLosses(this.noted));
      });
      this.hasNewLosses = false;
    } catch (error) {
      // What `run` has noted did not happen.
      this.noted = noted;
      this.hasNewLosses = hasNewLosses;
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

  /** Inside transact() only, as are the next four. */
  putBatch(sequence: number, bytes: Uint8Array): void {
    this.environment.put(writeBatchKey(this.keyBytes, this.epoch, sequence), bytes);
  }

  getBatch(sequence: number): Buffer | undefined {
    return this.environment.get(batchKey(this.epoch, sequence));
  }

  /** Removes batches up to and without `end`. With the newest batch its number would be forgotten, so it is kept. */
  removeBatches(end: number, newest = this.lastSequence): void {
    for (let sequence = this.firstSequence; sequence < end; sequence++) {
      this.environment.remove(writeBatchKey(this.keyBytes, this.epoch, sequence));
    }
    if (end > newest && end > this.firstSequence) {
      this.putOwn(HOT_ROWS.last, encodePosition({ epoch: this.epoch, sequence: newest }));
    }
  }

  changeRow(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.environment.remove(rowKey(key));
    else this.environment.put(rowKey(key), value);
  }

  putOwn(name: string, value: Uint8Array): void {
    this.environment.put(ownKey(name), value);
  }

  own(name: string): Buffer | undefined {
    let value: Buffer | undefined;
    this.environment.transact(() => {
      value = this.environment.get(ownKey(name));
    });
    return value;
  }

  row(key: string): Buffer | undefined {
    let value: Buffer | undefined;
    this.environment.transact(() => {
      value = this.environment.get(rowKey(key));
    });
    return value;
  }

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

  /** Where hot may begin after the deletion of some batches that are acked or checkpointed. */
  releasableEnd(): number {
    const { floor, checkpointed } = this.told.told;
    let end = this.firstSequence;
    if (floor.epoch === this.epoch) end = Math.max(end, floor.sequence);
    if (checkpointed.epoch === this.epoch) end = Math.max(end, checkpointed.sequence + 1);
    return Math.min(end, this.firstSequence + DELETES_PER_TRANSACTION, this.lastSequence + 1);
  }

  /** Deletes some of them; false when there are none. */
  release(): boolean {
    const end = this.releasableEnd();
    if (end === this.firstSequence) return false;
    this.transact(() => {
      this.removeBatches(end);
    });
    this.firstSequence = end;
    return true;
  }

  /** Writes what was only counted so far. */
  writeLosses(): void {
    if (this.hasNewLosses) this.transact(() => undefined);
  }

  measureRoom(): void {
    this.environment.transact(() => {
      this.usage = this.environment.usage();
      this.room.measure(this.usage, this.told.told.storeBytes);
    });
  }

  clearDeadReaders(): void {
    this.environment.clearDeadReaders();
  }

  /** Puts a small copy in the place of a file that is large and nearly empty. */
  renewIfWorthwhile(): void {
    const { usedBytes, fileBytes } = this.usage;
    const isLarge = fileBytes >= RENEW_FILE_BYTES && usedBytes <= RENEW_USED_BYTES_MAX;
    const isIdle = fileBytes >= RENEW_IDLE_FILE_BYTES && usedBytes <= RENEW_IDLE_USED_BYTES_MAX;
    if (!isLarge && !isIdle) return;
    if (performance.now() - this.renewedAtMs < RENEW_INTERVAL_MS) return;
    this.renewedAtMs = performance.now();
    // While the last one was not removed by a drain, nothing would be gained.
    if (oldHots(this.directory).length > 0) return;
    if (!this.room.diskTakes(2 * usedBytes + OPEN_RESERVE_BYTES + (fileBytes - usedBytes))) return;
    try {
      copyHot(this.directory, this.environment, this.mapBytes);
    } catch (error) {
      // The old one is as good as it was.
      if (error instanceof QueueError) return;
      throw error;
    }
    void this.environment.close();
    takePlaceOfHot(this.directory);
    this.environment = this.openEnvironment();
    this.measureRoom();
  }

  close(): void {
    void this.environment.close();
    this.told.close();
  }

  private openEnvironment(): Environment {
    return Environment.openWriter(hotFolder(this.directory), { durable: false, mapBytes: this.mapBytes });
  }

  private load(): void {
    const { environment } = this;
    environment.transact(() => {
      const row = decodePosition(environment.get(ownKey(HOT_ROWS.last)));
      if (row?.epoch !== this.epoch)
        throw new QueueError('damaged', 'hot is of another epoch than its folder says');
      const start = batchKey(this.epoch, 0);
      const first = environment.firstKey(start, BATCHES_END);
      const last = environment.lastKey(start, BATCHES_END);
      this.lastSequence = Math.max(row.sequence, last === undefined ? 0 : batchPosition(last).sequence);
      this.firstSequence = first === undefined ? this.lastSequence + 1 : batchPosition(first).sequence;
      this.noted = decodeLosses(environment.get(ownKey(HOT_ROWS.counters)));
      const request = decodeRequest(environment.get(ownKey(HOT_ROWS.request)));
      const drop = decodeDrop(environment.get(ownKey(HOT_ROWS.drop)));
      this.lastTicket = Math.max(this.lastTicket, request?.ticket ?? 0, drop?.ticket ?? 0);
    });
  }
}
