import type { ByteString, FuseRequest, WriteArguments } from '@k2hft/fuse';
import { BatchFlag } from '@k2hft/wire';
import { BatchBuilder, type BuiltBatch } from './batch-builder.js';
import type { OpenHandle } from './file-tree.js';
import { CaptureComplaints } from './capture-complaints.js';
import { CaptureCopies } from './capture-copies.js';
import { CaptureCounters } from './capture-counters.js';
import { CaptureTransaction } from './capture-transaction.js';
import type { CopySink, CopyStages } from './copy-sink.js';
import { countNewlines } from './newline-count.js';
import { OpenStreams } from './open-streams.js';
import type { OpenEnd } from './payload-sifter.js';
import type { PendingRows, RowReader } from './pending-rows.js';
import { QuotaBuckets } from './quota-buckets.js';
import type { RuleFinder } from './rules.js';
import { WriteCutter, type Cut, type CutPlace } from './write-cutter.js';
import { durableKey, type Stream } from './stream.js';
import type { WallClock } from './wall-clock.js';

/** The part of the queue that capture needs. `append` writes the pending rows in the same transaction, or throws and changes nothing. */
export interface CaptureQueue extends RowReader {
  readonly epoch: number;
  nextSequence(): number;
  append(batches: readonly BuiltBatch[], rows: ReadonlyMap<string, Uint8Array | undefined>): void;
}

export interface CaptureOptions {
  queue: CaptureQueue;
  rows: PendingRows;
  findRule: RuleFinder;
  host: string;
  clock: WallClock;
  /** Present length of a file, for the first stream that opens it. */
  sizeBytes(nodeId: number): number;
  /** What was not queued because the user chose so for a full queue. */
  dropped(records: number, bytes: number): void;
  warn(message: string): void;
  /** Where `copy_to` goes; absent: no rule has it. */
  copies?: CopySink;
}

const NEWLINE = 0x0a;
/** O_ACCMODE: reading alone is 0. */
const ACCESS_MODE_MASK = 3;
/**
 * Turns what programs write into batches of the queue: keeps each stream's unfinished line, cuts at newlines, and
 * recognises a write that an earlier worker has queued already. A stream's memory changes only after the
 * transaction that holds the change: when a method throws, it may be called again with the same bytes.
 */
export class Capture implements CopyStages {
  private readonly streams: OpenStreams;
  private readonly builder: BatchBuilder;
  private readonly cutter: WriteCutter;
  private readonly quotas = new QuotaBuckets();
  private readonly complaints: CaptureComplaints;
  private readonly copies: CaptureCopies;
  private transaction: CaptureTransaction | undefined;
  readonly counters = new CaptureCounters();

  constructor(private readonly options: CaptureOptions) {
    this.streams = new OpenStreams(options);
    this.builder = new BatchBuilder(options.queue.epoch, options.clock);
    this.cutter = new WriteCutter(this.builder);
    this.copies = new CaptureCopies(options.copies, options.rows);
    this.complaints = new CaptureComplaints(options);
  }

  /** Starts a stream when the file's rule says that it is sent. Its rows are pending when this returns. */
  open(handle: number, nodeId: number, path: ByteString): void {
    const rule = this.options.findRule(path);
    if (rule === undefined) return;
    const stream = this.streams.open(handle, nodeId, path, rule);
    this.copies.opened(stream);
  }

  /**
   * Takes over the streams of an earlier worker. Those whose handle is not in `openHandles` were closed with it: their unfinished lines
   * are sent. The rules may be others now. A stream goes on under the one that matches its path now; when none does, its
   * unfinished line is sent, and nothing more.
   */
  restore(openHandles: ReadonlySet<number>): void {
    for (const stream of this.streams.restore()) this.copies.restored(stream);
    this.endThose(({ handle, copied }) => copied === undefined && !openHandles.has(handle));
    this.endThose(({ path, copied }) => copied === undefined && this.options.findRule(path) === undefined);
    // What is left of stages has lost its stream: the rules were others then.
    this.endThose(({ copied }) => copied !== undefined && !this.has(copied));
  }

  /** Files that are open, and that no rule wanted when they were opened: what is written from now on is sent, when one does now. */
  adopt(openHandles: readonly OpenHandle[], pathOf: (nodeId: number) => ByteString): void {
    for (const { handle, nodeId, flags } of openHandles) {
      const isWritten = (flags & ACCESS_MODE_MASK) !== 0;
      if (isWritten && !this.has(handle)) this.open(handle, nodeId, pathOf(nodeId));
    }
  }

  has(handle: number): boolean {
    return this.streams.get(handle) !== undefined;
  }

  /** The answer that a resent write got already; undefined when it was never queued. */
  answered(request: FuseRequest, handle: number): number | undefined {
    if (!request.resent) return undefined;
    const stream = this.streams.get(handle);
    return stream?.lastUnique === request.unique ? stream.lastCount : undefined;
  }

  /** An upper bound of what a write of `bytes` bytes adds to the queue. */
  neededBytes(handle: number, bytes: number): number {
    const stream = this.streams.get(handle);
    if (stream === undefined) return 0;
    const stage = this.copies.stageOf(handle);
    const copied = stage === undefined ? 0 : this.neededBytes(stage, bytes);
    if (stream.rule.delivery === 'nobody') return copied;
    return copied + bytes + stream.rest.length + BatchBuilder.headerBytes(stream);
  }

  /** Queues the bytes of a write in one transaction with what the next worker must know of it. */
  write(request: FuseRequest, write: WriteArguments): void {
    const stream = this.streams.get(write.handle);
    if (stream === undefined) return;
    const captured = this.streams.capturedEnd(stream.nodeId);
    const overwrites = write.offset < captured;
    // An overwrite that does not go on where this stream wrote last begins a line of its own.
    if (overwrites && !write.fromCache && write.offset !== stream.nextOffset) {
      this.sendRest(stream, 'complete');
      stream.fate = 'undecided';
    }
    // Cached pages come back whole: only what lies behind the captured end is new.
    const repeated = write.fromCache && overwrites ? captured - write.offset : 0;
    const start = Math.min(write.end, write.start + repeated);
    this.adoptWriter(stream, request);
    const { lastUnique, lastCount, nextOffset, capturedEnd } = stream;
    const count = write.end - write.start;
    stream.lastUnique = request.unique;
    stream.lastCount = count;
    stream.nextOffset = write.offset + count;
    stream.capturedEnd = Math.max(captured, stream.nextOffset);
    try {
      const place = this.place(stream, overwrites ? BatchFlag.OVERWRITE : 0);
      const cut = this.cutter.cut(stream, place, write, start);
      this.commit(stream, cut, write.buffer.subarray(start, write.end));
    } catch (error) {
      Object.assign(stream, { lastUnique, lastCount, nextOffset, capturedEnd });
      stream.put(this.options.rows, true);
      throw error;
    }
    this.streams.captured(stream);
    this.counters.wrote(stream.path, count, overwrites);
  }

  /**
   * A write that is answered but not sent, because the user chose so for a full queue. Lines are dropped whole: the
   * unfinished one with its end, and a beginning with what will come of it.
   */
  skip(request: FuseRequest, write: WriteArguments): void {
    const stream = this.streams.get(write.handle);
    if (stream === undefined) return;
    const { buffer, start, end } = write;
    stream.lastUnique = request.unique;
    stream.lastCount = end - start;
    stream.nextOffset = write.offset + stream.lastCount;
    stream.capturedEnd = Math.max(this.streams.capturedEnd(stream.nodeId), stream.nextOffset);
    this.streams.captured(stream);
    this.drop(stream, buffer.subarray(start, end));
  }

  private drop(stream: Stream, bytes: Buffer): void {
    this.copies.skipped(stream, bytes);
    this.options.dropped(countNewlines(bytes, 0, bytes.length), stream.rest.length + bytes.length);
    stream.rest.clear();
    if (stream.restIsDurable) this.options.rows.delete(durableKey(stream.handle));
    stream.restIsDurable = false;
    const beginsLine = bytes.length > 0 && bytes.at(-1) !== NEWLINE;
    stream.fate = stream.rule.settings.send !== 'binary' && beginsLine ? 'queue_full' : 'undecided';
    stream.put(this.options.rows);
  }

  /** The file was cut or extended: what is written behind its new end is new. Unfinished lines stay. */
  truncated(nodeId: number, sizeBytes: number): void {
    this.streams.truncated(nodeId, sizeBytes);
  }

  /**
   * fsync(2): marks the stream's unfinished line as one that must survive loss of power. Returns true when there is
   * one: then a checkpoint is due even if nothing was queued.
   */
  makeRestDurable(handle: number): boolean {
    const stage = this.copies.stageOf(handle);
    const isOfStage = stage !== undefined && this.makeRestDurable(stage);
    const stream = this.streams.get(handle);
    if (stream === undefined || stream.rest.length === 0 || stream.rule.delivery === 'nobody')
      return isOfStage;
    // Neither the sequence nor the quota counts: after loss of power the line gets a place in the new epoch.
    const place = { sequence: 0, flags: BatchFlag.STREAM_END, quota: undefined };
    const [whole] = this.cutter.cutRest(stream, place, 'complete').batches;
    if (whole === undefined && !stream.restIsDurable) return isOfStage;
    if (whole === undefined) this.options.rows.delete(durableKey(handle));
    else this.options.rows.put(durableKey(handle), whole.bytes);
    stream.restIsDurable = whole !== undefined;
    stream.put(this.options.rows);
    return true;
  }

  /** A close(2), or fsync(2): a binary chunk is complete, whatever is written next. */
  flush(handle: number): void {
    const stream = this.streams.get(handle);
    if (stream?.rule.settings.send === 'binary') this.sendRest(stream, 'complete');
    const stage = this.copies.stageOf(handle);
    if (stage !== undefined) this.flush(stage);
  }

  /** The last close: sends what is unfinished and forgets the stream, in one transaction. */
  end(handle: number): void {
    const stream = this.streams.get(handle);
    if (stream === undefined) return;
    const { rows } = this.options;
    const cut = this.cutter.cutRest(stream, this.place(stream, BatchFlag.STREAM_END), 'complete');
    stream.delete(rows);
    try {
      this.append(stream, cut, undefined, true);
    } catch (error) {
      stream.putIdentity(rows);
      this.putAgain(stream);
      throw error;
    }
    this.count(stream, cut);
    this.streams.forget(stream);
  }

  /** Ends every stream: nobody will write any more. */
  endAll(): void {
    this.endThose(({ copied }) => copied === undefined);
    this.endThose(() => true);
  }

  private endThose(isMeant: (stream: Stream) => boolean): void {
    for (const stream of this.streams.all().filter(isMeant)) this.end(stream.handle);
  }

  /** Sends unfinished lines that have waited for longer than their rule allows. */
  expireRests(): void {
    const nowMs = this.options.clock.nowMs();
    for (const stream of this.streams.all()) {
      const { lineTimeoutMs } = stream.rule.settings;
      if (lineTimeoutMs === 0 || stream.rest.length === 0) continue;
      if (nowMs - stream.restSinceMs >= lineTimeoutMs) this.sendRest(stream, 'continues');
    }
  }

  private sendRest(stream: Stream, openEnd: OpenEnd): void {
    if (stream.rest.length === 0) return;
    this.commit(stream, this.cutter.cutRest(stream, this.place(stream, 0), openEnd));
  }

  private place(stream: Stream, flags: number): CutPlace {
    const { quotaBytesPerSecond } = stream.rule.settings;
    const nowMs = this.options.clock.nowMs();
    const quota =
      quotaBytesPerSecond === undefined
        ? undefined
        : this.quotas.leftBytes(stream.path, quotaBytesPerSecond, nowMs);
    const sequence = this.options.queue.nextSequence() + (this.transaction?.batches.length ?? 0);
    return { sequence, flags, quota };
  }

  openStage(copied: number, path: ByteString): number {
    return this.streams.openStage(copied, path).handle;
  }

  writeStage(handle: number, copied: number, bytes: Buffer): void {
    const stage = this.streams.get(handle);
    const source = this.streams.get(copied);
    if (stage === undefined || source === undefined) return;
    const { transaction } = this;
    if (transaction === undefined) {
      this.drop(stage, bytes);
      return;
    }
    const { pid, uid, gid } = source;
    Object.assign(stage, { pid, uid, gid });
    const cut = this.cutter.cut(stage, this.place(stage, 0), { buffer: bytes, end: bytes.length }, 0);
    transaction.onFailure(this.take(stage, cut));
    transaction.onSuccess(() => {
      this.count(stage, cut);
      this.counters.wrote(stage.path, bytes.length, false);
    });
    transaction.add(stage, cut.batches);
    this.copies.copy(stage, cut.batches, bytes, false);
  }

  endStage(handle: number): void {
    const stage = this.streams.get(handle);
    const { transaction } = this;
    if (stage === undefined || transaction === undefined) return;
    const { rows } = this.options;
    const cut = this.cutter.cutRest(stage, this.place(stage, BatchFlag.STREAM_END), 'complete');
    stage.delete(rows);
    transaction.onFailure(() => {
      stage.putIdentity(rows);
      this.putAgain(stage);
    });
    transaction.onSuccess(() => {
      this.count(stage, cut);
      this.streams.forget(stage);
    });
    transaction.add(stage, cut.batches);
    this.copies.copy(stage, cut.batches, undefined, true);
  }

  /** One transaction: the batches, and the stream as it is after them. */
  private commit(stream: Stream, cut: Cut, written?: Buffer): void {
    const undo = this.take(stream, cut);
    try {
      this.append(stream, cut, written);
    } catch (error) {
      undo();
      throw error;
    }
    this.count(stream, cut);
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
  private append(stream: Stream, cut: Cut, written?: Buffer, ends = false): void {
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

  /** After a failed transaction, the rows that are pending must say what is still true. */
  private putAgain(stream: Stream): void {
    stream.put(this.options.rows, true);
    if (stream.restIsDurable) this.options.rows.changes.delete(durableKey(stream.handle));
  }

  /** Pages from the kernel's cache do not tell who wrote them: the writer before stands for them. */
  private adoptWriter(stream: Stream, request: FuseRequest): void {
    if (request.pid === 0 && stream.pid !== 0) return;
    stream.pid = request.pid;
    stream.uid = request.uid;
    stream.gid = request.gid;
  }
}
