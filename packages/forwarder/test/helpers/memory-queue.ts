import { comparePositions, POSITION_ZERO, type Position } from '@k2hft/queue';
import { BATCH_PREFIX_BYTES, encodeAttributes, writeBatchHeader } from '@k2hft/wire';
import type { QueueSource, QueuedBatch, SequenceRange } from '../../src/index.js';

const ATTRIBUTES = encodeAttributes({ path: Buffer.from('a.log'), host: 'test' });

/** Which file a batch is of. */
export interface BatchOrigin {
  path: string;
  stream: number;
}

/** A whole batch of one record. */
export function makeBatch(position: Position, payload: Buffer, flags = 0, origin?: BatchOrigin): Buffer {
  const attributes =
    origin === undefined ? ATTRIBUTES : encodeAttributes({ path: Buffer.from(origin.path), host: 'test' });
  const payloadStart = BATCH_PREFIX_BYTES + attributes.length;
  const bytes = Buffer.alloc(payloadStart + payload.length);
  payload.copy(bytes, payloadStart);
  const fields = {
    stream: origin?.stream ?? 1,
    flags,
    recordCount: 1,
    timeSeconds: 1,
    timeNanos: 0,
    pid: 1,
    uid: 0,
    gid: 0,
  };
  writeBatchHeader(bytes, payloadStart, bytes.length, { ...fields, ...position }, attributes);
  return bytes;
}

/** A queue that keeps everything for ever, and remembers for each cursor what was acknowledged. */
export class MemoryQueue implements QueueSource {
  readonly source = '01234567-89ab-cdef-0123-456789abcdef';
  readonly batches: QueuedBatch[] = [];
  reads = 0;
  /** Batches behind this are there, but not to be read yet. */
  notReadyAfter: Position | undefined;
  /** Nothing can be read now, as on a disk that is too full to open a file. */
  isUnreadable = false;
  readonly #acked = new Map<string, Set<string>>();
  /** What these acknowledge means nothing. */
  readonly #removed = new Set<string>();
  #epoch = 1;
  #sequence = 0;

  epoch(): number {
    return this.#epoch;
  }

  nextEpoch(): void {
    this.#epoch += 1;
    this.#sequence = 0;
  }

  append(payload: string | Buffer, origin?: BatchOrigin, flags = 0): Position {
    this.#sequence += 1;
    const position = { epoch: this.#epoch, sequence: this.#sequence };
    this.batches.push({ position, bytes: makeBatch(position, Buffer.from(payload), flags, origin) });
    return position;
  }

  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[] {
    this.reads += 1;
    if (this.isUnreadable) return [];
    const read: QueuedBatch[] = [];
    let bytes = 0;
    for (const batch of this.batches) {
      if (comparePositions(batch.position, after) <= 0 || this.#has(cursor, batch.position)) continue;
      if (this.notReadyAfter !== undefined && comparePositions(batch.position, this.notReadyAfter) > 0) break;
      if (read.length > 0 && (bytes + batch.bytes.length > bytesMax || read.length === countMax)) break;
      read.push(batch);
      bytes += batch.bytes.length;
    }
    return read;
  }

  ack(cursor: string, epoch: number, ranges: SequenceRange[]): void {
    if (this.#removed.has(cursor)) return;
    const acked = this.#acked.get(cursor) ?? new Set();
    for (const [first, last] of ranges) {
      for (let sequence = first; sequence <= last; sequence += 1) acked.add(`${epoch}/${sequence}`);
    }
    this.#acked.set(cursor, acked);
  }

  floor(cursor: string, after = POSITION_ZERO): Position {
    const lowest = this.batches.find(
      ({ position }) => comparePositions(position, after) > 0 && !this.#has(cursor, position),
    );
    return lowest?.position ?? { epoch: this.#epoch, sequence: this.#sequence + 1 };
  }

  hasNew(after: Position): boolean {
    return this.batches.some((batch) => comparePositions(batch.position, after) > 0);
  }

  noticed(): void {
    // Nothing to look for.
  }

  addCursor(name: string): void {
    this.#removed.delete(name);
    if (this.#acked.has(name)) return;
    const sets = [...this.#acked.values()];
    this.#acked.set(name, new Set([...(sets[0] ?? [])].filter((key) => sets.every((set) => set.has(key)))));
  }

  hasCursor(name: string): boolean {
    return this.#acked.has(name);
  }

  removeCursor(name: string): void {
    this.#acked.delete(name);
    this.#removed.add(name);
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  /** True when this cursor has acknowledged everything. */
  emptyFor(cursor: string): boolean {
    return this.batches.every((batch) => this.#has(cursor, batch.position));
  }

  #has(cursor: string, { epoch, sequence }: Position): boolean {
    return this.#acked.get(cursor)?.has(`${epoch}/${sequence}`) ?? false;
  }
}
