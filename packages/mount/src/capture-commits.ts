import type { BuiltBatch } from './batch-builder.js';
import { CaptureComplaints } from './capture-complaints.js';
import type { CaptureCopies } from './capture-copies.js';
import { CaptureCounters } from './capture-counters.js';
import { CaptureTransaction } from './capture-transaction.js';
import { countNewlines } from './newline-count.js';
import type { OpenStreams } from './open-streams.js';
import type { PendingRows } from './pending-rows.js';
import { QuotaBuckets } from './quota-buckets.js';
import { durableKey, type Stream } from './stream.js';
import type { WallClock } from './wall-clock.js';
import type { Cut, CutPlace } from './write-cutter.js';

/** `append` writes the pending rows in the same transaction, or throws and changes nothing. */
export interface CommitQueue {
  nextSequence(): number;
  append(batches: readonly BuiltBatch[], rows: ReadonlyMap<string, Uint8Array | undefined>): void;
}

export interface CaptureCommitsOptions {
  queue: CommitQueue;
  rows: PendingRows;
  clock: WallClock;
  /** What was not queued because the user chose so for a full queue. */
  dropped(records: number, bytes: number): void;
  warn(message: string): void;
}

const NEWLINE = 0x0a;

/**
 * Queues what was cut: each cut in one transaction with the stream as it is after it, and with all that is copied of it. When the
 * transaction fails everything is as it was before, the pending rows as well, and the same cut may be tried again. Counters and
 * quotas change only after it.
 */
export class CaptureCommits {
  readonly counters = new CaptureCounters();
  private readonly quotas = new QuotaBuckets();
  private readonly complaints: CaptureComplaints;
  private transaction: CaptureTransaction | undefined;

  constructor(
    private readonly options: CaptureCommitsOptions,
    private readonly streams: OpenStreams,
    private readonly copies: CaptureCopies,
  ) {
    this.complaints = new CaptureComplaints(options);
  }

  /** The transaction under way, which others can join while copies are made. */
  get underWay(): CaptureTransaction | undefined {
    return this.transaction;
  }

  /** Where the next cut of this stream goes, and how much of it may. */
  place(stream: Stream, flags: number): CutPlace {
    const { quotaBytesPerSecond } = stream.rule.settings;
    const nowMs = this.options.clock.nowMs();
    const quota =
      quotaBytesPerSecond === undefined
        ? undefined
        : this.quotas.leftBytes(stream.path, quotaBytesPerSecond, nowMs);
    const sequence = this.options.queue.nextSequence() + (this.transaction?.batches.length ?? 0);
    return { sequence, flags, quota };
  }

  /** One transaction: the batches, and the stream as it is after them. */
  commit(stream: Stream, cut: Cut, written?: Buffer): void {
    const undo = this.take(stream, cut);
    try {
      this.append(stream, cut, written, false);
    } catch (error) {
      undo();
      throw error;
    }
    this.count(stream, cut);
  }

  /** As commit(), with the last that comes of the stream: its rows go, and it is forgotten. */
  end(stream: Stream, cut: Cut): void {
    stream.delete(this.options.rows);
    try {
      this.append(stream, cut, undefined, true);
    } catch (error) {
      this.putBack(stream);
      throw error;
    }
    this.count(stream, cut);
    this.streams.forget(stream);
  }

  /** As commit(), within the transaction of another stream. */
  join(transaction: CaptureTransaction, stream: Stream, cut: Cut, written: Buffer): void {
    transaction.onFailure(this.take(stream, cut));
    transaction.onSuccess(() => {
      this.count(stream, cut);
      this.counters.wrote(stream.path, written.length, false);
    });
    transaction.add(stream, cut.batches);
    this.copies.copy(stream, cut.batches, written, false);
  }

  /** As end(), within the transaction of another stream. */
  joinEnd(transaction: CaptureTransaction, stream: Stream, cut: Cut): void {
    stream.delete(this.options.rows);
    transaction.onFailure(() => {
      this.putBack(stream);
    });
    transaction.onSuccess(() => {
      this.count(stream, cut);
      this.streams.forget(stream);
    });
    transaction.add(stream, cut.batches);
    this.copies.copy(stream, cut.batches, undefined, true);
  }

  /** What the user chose to lose for a full queue. The stream's row is pending when this returns. */
  drop(stream: Stream, bytes: Buffer): void {
    this.copies.skipped(stream, bytes);
    this.options.dropped(countNewlines(bytes, 0, bytes.length), stream.rest.length + bytes.length);
    stream.rest.clear();
    if (stream.restIsDurable) this.options.rows.delete(durableKey(stream.handle));
    stream.restIsDurable = false;
    const beginsLine = bytes.length > 0 && bytes.at(-1) !== NEWLINE;
    stream.fate = stream.rule.settings.send !== 'binary' && beginsLine ? 'queue_full' : 'undecided';
    stream.put(this.options.rows);
  }

  /** Makes of the stream what it is after the cut; returns what takes that back. */
  private take(stream: Stream, cut: Cut): () => void {
    const { rows } = this.options;
    const { fate } = stream;
    const undoRest = stream.takeRest(cut.rest, this.options.clock.nowMs());
    stream.fate = cut.fate;
    if (cut.rest.kind === 'replace' && stream.restIsDurable) {
      stream.restIsDurable = false;
      rows.delete(durableKey(stream.handle));
    }
    stream.put(rows);
    return () => {
      stream.fate = fate;
      undoRest();
      this.putAgain(stream);
    };
  }

  /** The transaction itself, with the copy of what was written or is sent. */
  private append(stream: Stream, cut: Cut, written: Buffer | undefined, ends: boolean): void {
    const { queue, rows } = this.options;
    const transaction = new CaptureTransaction();
    this.transaction = transaction;
    try {
      transaction.add(stream, cut.batches);
      this.copies.copy(stream, cut.batches, written, ends);
      queue.append(transaction.batches, rows.changes);
    } catch (error) {
      transaction.failed();
      this.copies.failed(stream);
      throw error;
    } finally {
      this.transaction = undefined;
    }
    rows.changes.clear();
    transaction.succeeded();
    this.copies.committed(stream);
  }

  /** What counts once its transaction took place. */
  private count(stream: Stream, cut: Cut): void {
    const { drops, passedBytes, undecided } = cut.totals;
    const { bytes, lines } = drops.get('queue_full');
    if (bytes > 0) this.options.dropped(lines, bytes);
    this.counters.drops.addAll(drops);
    this.counters.pieces += cut.pieces;
    this.counters.undecided += undecided;
    this.quotas.spend(stream.path, passedBytes);
    this.complaints.about(stream, cut);
  }

  /** After a failed end the stream is there as before. */
  private putBack(stream: Stream): void {
    stream.putIdentity(this.options.rows);
    this.putAgain(stream);
  }

  /** After a failed transaction, the rows that are pending must say what is still true. */
  private putAgain(stream: Stream): void {
    stream.put(this.options.rows, true);
    if (stream.restIsDurable) this.options.rows.changes.delete(durableKey(stream.handle));
  }
}
