import assert from 'node:assert';
import { statSync } from 'node:fs';
import type { AckSetRecord } from './ack-set.js';
import { decodeAckSet, encodeAckSet } from './ack-set-record.js';
import { addAmounts, decodeLosses, encodeLosses, NO_AMOUNT, type Amount } from './counters.js';
import { Environment } from './environment.js';
import { QueueError } from './errors.js';
import { decodePosition, encodePosition } from './hot-rows.js';
import {
  BATCHES_END,
  BATCHES_START,
  batchKey,
  batchPosition,
  keyText,
  ownKey,
  rowKey,
  rowRange,
} from './keys.js';
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

/**
 * Of a file that carries a ledger: where it begins. What earlier files hold from there on is void: it is of an
 * append that had failed, or seemed to have, and was made again.
 */
const FROM = ownKey('from');

/** The rows that go with batches into one transaction; undefined removes. */
export interface LedgerRows {
  readonly rows: ReadonlyMap<string, Uint8Array | undefined>;
  /** The position of the next batch when the file was begun. */
  readonly from: Position;
}

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
  private begunAt: Position | undefined;

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

  /** Where a file that carries a ledger begins; undefined: it carries none. */
  get from(): Position | undefined {
    return this.begunAt;
  }

  /** No transaction has come into it. */
  get isEmpty(): boolean {
    return this.span === undefined && this.begunAt === undefined;
  }

  makeWritable(): void {
    void this.environment?.close();
    this.environment = Environment.openWriter(this.path, { durable: true, mapBytes: MAP_BYTES });
    this.writable = true;
  }

  /** On disk when it resolves. After it rejects nothing more may be added. */
  async append(entries: readonly StoreEntry[], gone: AckSetRecord, ledger?: LedgerRows): Promise<void> {
    assert(this.environment !== undefined && this.writable, 'the file is written');
    const begunAt = this.begunAt ?? ledger?.from;
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
      ...(begunAt === undefined ? [] : [{ key: FROM, value: encodePosition(begunAt) }]),
      ...[...(ledger?.rows ?? [])].map(([key, value]) => ({ key: rowKey(key), value })),
    ]);
    this.environment.release();
    this.contents = contents;
    this.begunAt = begunAt;
    this.sizeBytes = statSync(this.path).size;
    const [head, tail] = [entries[0], entries.at(-1)];
    if (head === undefined || tail === undefined) return;
    const last = this.span?.last ?? tail.position;
    this.span = {
      first: this.span?.first ?? head.position,
      last: comparePositions(last, tail.position) > 0 ? last : tail.position,
    };
  }

  /** A copy of the ledger's rows. */
  ledger(): Map<string, Buffer> {
    const environment = this.newestReader();
    const rows = new Map<string, Buffer>();
    environment.forEach(...rowRange(''), (key, value) => {
      rows.set(keyText(key), Buffer.from(value));
      return true;
    });
    environment.release();
    return rows;
  }

  /** What it holds from `from` on is void, see FROM. */
  endBefore(from: Position): void {
    const { span } = this;
    if (span === undefined || comparePositions(span.last, from) < 0) return;
    const environment = this.reader();
    const last = environment.lastKey(BATCHES_START, batchKey(from.epoch, from.sequence));
    environment.release();
    this.span = last === undefined ? undefined : { first: span.first, last: batchPosition(last) };
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
    if (this.span?.last.epoch === epoch) return this.span.last.sequence;
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
    this.begunAt = readFrom(environment);
    this.sizeBytes = statSync(this.path).size;
    environment.release();
  }
}

/** For those who only look: where a file that carries a ledger begins, and with it what earlier files still hold. */
export function readFrom(file: Environment): Position | undefined {
  return decodePosition(file.get(FROM));
}
