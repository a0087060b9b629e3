import { statSync } from 'node:fs';
import type { AckSetRecord } from './ack-set.js';
import { decodeAckSet, encodeAckSet } from './ack-set-record.js';
import { addAmounts, decodeLosses, encodeLosses, NO_AMOUNT, type Amount } from './counters.js';
import { Environment } from './environment.js';
import { QueueError } from './errors.js';
import { BATCHES_END, BATCHES_START, batchKey, batchPosition, ownKey } from './keys.js';
import { comparePositions, type Position } from './position.js';
import { removeStoreFile } from './store-folder.js';

export interface StoreEntry {
  readonly position: Position;
  readonly bytes: Buffer;
  readonly records: number;
}

/** The file's own rows: how much was put into it, */
const SUM = ownKey('sum');

/** and what nobody wanted any more when its last batches were put in: these were left out. */
const GONE = ownKey('gone');

/** Of the newest file: address space only. */
const MAP_BYTES = 512 * 1024 * 1024;

/**
 * One file of the store. A file is `writable` while batches are added, then `sealed` for good: read when wanted,
 * and removed as a whole.
 */
export class StoreFile {
  private environment: Environment | undefined;
  private writable = false;
  private span: { first: Position; last: Position } | undefined;
  private contents: Amount = NO_AMOUNT;
  private sizeBytes = 0;

  private constructor(
    readonly number: number,
    readonly path: string,
  ) {}

  /** A file that is already there; throws QueueError `damaged`. */
  static load(number: number, path: string): StoreFile {
    const file = new StoreFile(number, path);
    file.readContents(file.reader());
    return file;
  }

  static make(number: number, path: string): StoreFile {
    const file = new StoreFile(number, path);
    file.makeWritable();
    return file;
  }

  get first(): Position | undefined {
    return this.span?.first;
  }

  get last(): Position | undefined {
    return this.span?.last;
  }

  get isWritable(): boolean {
    return this.writable;
  }

  get amount(): Amount {
    return this.contents;
  }

  get fileBytes(): number {
    return this.sizeBytes;
  }

  makeWritable(): void {
    void this.environment?.close();
    this.environment = Environment.openWriter(this.path, { durable: true, mapBytes: MAP_BYTES });
    this.writable = true;
  }

  /** On disk when it resolves. After it rejects nothing more may be added. */
  async append(entries: readonly StoreEntry[], gone: AckSetRecord): Promise<void> {
    const [head, tail] = [entries[0], entries.at(-1)];
    if (head === undefined || tail === undefined || this.environment === undefined) return;
    const added = entries.reduce<Amount>(
      (sum, { records, bytes }) => addAmounts(sum, { batches: 1, records, bytes: bytes.length }),
      NO_AMOUNT,
    );
    const contents = addAmounts(this.contents, added);
    await this.environment.write([
      ...entries.map(({ position, bytes }) => ({
        key: batchKey(position.epoch, position.sequence),
        value: bytes,
      })),
      { key: SUM, value: encodeLosses({ sum: contents }) },
      { key: GONE, value: encodeAckSet(gone) },
    ]);
    this.environment.release();
    this.contents = contents;
    const last = this.span?.last ?? tail.position;
    this.span = {
      first: this.span?.first ?? head.position,
      last: comparePositions(last, tail.position) > 0 ? last : tail.position,
    };
    this.sizeBytes = statSync(this.path).size;
  }

  seal(): void {
    if (!this.writable) return;
    this.writable = false;
    this.closeReader();
  }

  /** What was left out of this file, as far as it is known. */
  gone(): AckSetRecord | undefined {
    const environment = this.reader();
    const gone = decodeAckSet(environment.get(GONE));
    environment.release();
    return gone;
  }

  /** From `from` up to and with `upTo`, in order. False when `visit` ended it. */
  forEach(from: Position, upTo: Position, visit: (position: Position, bytes: Buffer) => boolean): boolean {
    const environment = this.newestReader();
    let goesOn = true;
    environment.forEach(batchKey(from.epoch, from.sequence), BATCHES_END, (key, value) => {
      const position = batchPosition(key);
      if (comparePositions(position, upTo) > 0) return false;
      goesOn = visit(position, value);
      return goesOn;
    });
    environment.release();
    return goesOn;
  }

  /** The highest sequence of an epoch; 0: none. */
  lastInEpoch(epoch: number): number {
    const environment = this.reader();
    const key = environment.lastKey(batchKey(epoch, 0), batchKey(epoch + 1, 0));
    environment.release();
    return key === undefined ? 0 : batchPosition(key).sequence;
  }

  /** Frees the mapping of a sealed file until it is read again. */
  closeReader(): void {
    if (this.writable) return;
    void this.environment?.close();
    this.environment = undefined;
  }

  close(): Promise<void> {
    const closed = this.environment?.close() ?? Promise.resolve();
    this.environment = undefined;
    this.writable = false;
    return closed;
  }

  unlink(): void {
    void this.close();
    removeStoreFile(this.path);
  }

  private reader(): Environment {
    if (this.environment === undefined || this.environment.closed) {
      this.environment = Environment.openReader(this.path);
    }
    return this.environment;
  }

  /**
   * A reader that sees the file's last batch. Another process that opens the file can put the last transaction back
   * (see environment.ts); what is then not seen would look as if it were lost. Opening it anew heals that.
   */
  private newestReader(): Environment {
    const sees = (environment: Environment): boolean => {
      environment.release();
      const key = environment.lastKey(BATCHES_START, BATCHES_END);
      const { last } = this;
      return last === undefined || (key !== undefined && comparePositions(batchPosition(key), last) >= 0);
    };
    const environment = this.reader();
    if (sees(environment)) return environment;
    if (!this.writable) {
      this.closeReader();
      const again = this.reader();
      if (sees(again)) return again;
    }
    // The next transaction heals it, if one is under way.
    throw new QueueError('io', `the end of ${this.path} cannot be seen just now`);
  }

  private readContents(environment: Environment): void {
    const first = environment.firstKey(BATCHES_START, BATCHES_END);
    const last = environment.lastKey(BATCHES_START, BATCHES_END);
    if (first !== undefined && last !== undefined) {
      this.span = { first: batchPosition(first), last: batchPosition(last) };
    }
    this.contents = decodeLosses(environment.get(SUM))['sum'] ?? NO_AMOUNT;
    this.sizeBytes = statSync(this.path).size;
    environment.release();
  }
}
