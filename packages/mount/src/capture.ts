import { printableName } from '@k2hft/config';
import type { ByteString, FuseRequest, WriteArguments } from '@k2hft/fuse';
import { BatchFlag } from '@k2hft/wire';
import { BatchBuilder, type BuiltBatch } from './batch-builder.js';
import { CaptureCounters } from './capture-counters.js';
import { countNewlines } from './newline-count.js';
import type { PendingRows, RowReader } from './pending-rows.js';
import type { RuleFinder, StreamRule } from './rules.js';
import { WriteCutter, type Cut } from './write-cutter.js';
import { durableKey, storedIdentities, Stream } from './stream.js';
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
}

const STREAM_COUNTER_KEY = 'c';
const NEWLINE = 0x0a;
/** Far more files than a source opens between two losses of power, and 2 million epochs fit into a number. */
const STREAMS_PER_EPOCH = 2 ** 32;

/**
 * Turns what programs write into batches of the queue: keeps each stream's unfinished line, cuts at newlines, and
 * recognises a write that an earlier worker has queued already. A stream's memory changes only after the
 * transaction that holds the change: when a method throws, it may be called again with the same bytes.
 */
export class Capture {
  private readonly streams = new Map<number, Stream>();
  /** Where the captured part of an open file ends; a write below that is an overwrite. */
  private readonly capturedEnds = new Map<number, number>();
  private readonly builder: BatchBuilder;
  private readonly cutter: WriteCutter;
  private streamCounter: number;
  readonly counters = new CaptureCounters();

  constructor(private readonly options: CaptureOptions) {
    this.builder = new BatchBuilder(options.queue.epoch, options.clock);
    this.cutter = new WriteCutter(this.builder);
    const stored = options.queue.row(STREAM_COUNTER_KEY);
    // Rows are lost with the power; the streams of the next epoch are others all the same.
    const firstOfEpoch = options.queue.epoch * STREAMS_PER_EPOCH;
    this.streamCounter = stored === undefined ? firstOfEpoch : Number(Buffer.from(stored).toString());
  }

  /** Starts a stream when the file's rule says that it is sent. Its rows are pending when this returns. */
  open(handle: number, nodeId: number, path: ByteString): void {
    const rule = this.options.findRule(path);
    if (rule === undefined) return;
    this.streamCounter++;
    this.options.rows.put(STREAM_COUNTER_KEY, Buffer.from(String(this.streamCounter)));
    const stream = this.makeStream({ handle, nodeId, stream: this.streamCounter, path }, rule);
    stream.capturedEnd = this.capturedEnd(nodeId);
    this.capturedEnds.set(nodeId, stream.capturedEnd);
    stream.putIdentity(this.options.rows);
    stream.put(this.options.rows);
  }

  /**
   * Takes over the streams of an earlier worker. Those whose handle is not in `openHandles` were closed with it: their unfinished lines are sent.
   */
  restore(openHandles: ReadonlySet<number>): void {
    const { queue, findRule } = this.options;
    for (const identity of [...storedIdentities(queue)]) {
      const stream = this.makeStream(identity, findRule(identity.path) ?? KEEP_LINES);
      stream.restore(queue);
      const captured = Math.max(stream.capturedEnd, this.capturedEnds.get(stream.nodeId) ?? 0);
      this.capturedEnds.set(stream.nodeId, captured);
      if (!openHandles.has(identity.handle)) this.end(identity.handle);
    }
  }

  has(handle: number): boolean {
    return this.streams.has(handle);
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
    return stream === undefined ? 0 : bytes + stream.rest.length + BatchBuilder.headerBytes(stream);
  }

  /** Queues the bytes of a write in one transaction with what the next worker must know of it. */
  write(request: FuseRequest, write: WriteArguments): void {
    const stream = this.streams.get(write.handle);
    if (stream === undefined) return;
    const captured = this.capturedEnd(stream.nodeId);
    const overwrites = write.offset < captured;
    // An overwrite that does not go on where this stream wrote last begins a line of its own.
    if (overwrites && !write.fromCache && write.offset !== stream.nextOffset) this.sendRest(stream);
    // Cached pages come back whole: only what lies behind the captured end is new.
    const repeated = write.fromCache && overwrites ? captured - write.offset : 0;
    const { isDropping } = stream;
    const start = this.behindDropped(stream, write, Math.min(write.end, write.start + repeated));
    this.adoptWriter(stream, request);
    const { lastUnique, lastCount, nextOffset, capturedEnd } = stream;
    const count = write.end - write.start;
    stream.lastUnique = request.unique;
    stream.lastCount = count;
    stream.nextOffset = write.offset + count;
    stream.capturedEnd = Math.max(captured, stream.nextOffset);
    try {
      const flags = overwrites ? BatchFlag.OVERWRITE : 0;
      this.commit(stream, this.cutter.cut(stream, this.options.queue.nextSequence(), flags, write, start));
    } catch (error) {
      Object.assign(stream, { lastUnique, lastCount, nextOffset, capturedEnd, isDropping });
      stream.put(this.options.rows, true);
      throw error;
    }
    this.capturedEnds.set(stream.nodeId, stream.capturedEnd);
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
    stream.capturedEnd = Math.max(this.capturedEnd(stream.nodeId), stream.nextOffset);
    this.capturedEnds.set(stream.nodeId, stream.capturedEnd);
    this.options.dropped(countNewlines(buffer, start, end), stream.rest.length + end - start);
    stream.rest.clear();
    if (stream.restIsDurable) this.options.rows.delete(durableKey(stream.handle));
    stream.restIsDurable = false;
    stream.isDropping = stream.rule.send === 'lines' && end > start && buffer[end - 1] !== NEWLINE;
    stream.put(this.options.rows);
  }

  /** The file was cut or extended: what is written behind its new end is new. Unfinished lines stay. */
  truncated(nodeId: number, sizeBytes: number): void {
    const captured = this.capturedEnds.get(nodeId);
    if (captured === undefined || sizeBytes >= captured) return;
    this.capturedEnds.set(nodeId, sizeBytes);
    for (const stream of this.streams.values()) {
      if (stream.nodeId !== nodeId) continue;
      stream.capturedEnd = sizeBytes;
      stream.put(this.options.rows);
    }
  }

  /**
   * fsync(2): marks the stream's unfinished line as one that must survive loss of power. Returns true when there is
   * one: then a checkpoint is due even if nothing was queued.
   */
  makeRestDurable(handle: number): boolean {
    const stream = this.streams.get(handle);
    if (stream === undefined || stream.rest.length === 0) return false;
    const flags = BatchFlag.ENDS_OPEN | BatchFlag.STREAM_END;
    // The sequence is that of no batch: after loss of power the line gets one of the new epoch.
    const whole = this.builder.copied(stream, 0, flags, stream.rest.view());
    this.options.rows.put(durableKey(handle), whole.bytes);
    stream.restIsDurable = true;
    stream.put(this.options.rows);
    return true;
  }

  /** The last close: sends what is unfinished and forgets the stream, in one transaction. */
  end(handle: number): void {
    const stream = this.streams.get(handle);
    if (stream === undefined) return;
    const { queue, rows } = this.options;
    const cut = this.cutter.cutRest(stream, queue.nextSequence(), BatchFlag.STREAM_END);
    stream.delete(rows);
    try {
      queue.append(cut.batches, rows.changes);
    } catch (error) {
      stream.putIdentity(rows);
      this.putAgain(stream);
      throw error;
    }
    rows.changes.clear();
    this.streams.delete(handle);
    if (![...this.streams.values()].some(({ nodeId }) => nodeId === stream.nodeId)) {
      this.capturedEnds.delete(stream.nodeId);
    }
  }

  /** Ends every stream: nobody will write any more. */
  endAll(): void {
    for (const handle of [...this.streams.keys()]) this.end(handle);
  }

  /** Sends unfinished lines that have waited for longer than their rule allows. */
  expireRests(): void {
    const nowMs = this.options.clock.nowMs();
    for (const stream of this.streams.values()) {
      const { lineTimeoutMs } = stream.rule;
      if (lineTimeoutMs === 0 || stream.rest.length === 0) continue;
      if (nowMs - stream.restSinceMs >= lineTimeoutMs) this.sendRest(stream);
    }
  }

  /** Where a write goes on that begins inside a line whose beginning was dropped. */
  private behindDropped(stream: Stream, write: WriteArguments, start: number): number {
    if (!stream.isDropping) return start;
    const newline = write.buffer.subarray(start, write.end).indexOf(NEWLINE);
    const next = newline < 0 ? write.end : start + newline + 1;
    this.options.dropped(newline < 0 ? 0 : 1, next - start);
    stream.isDropping = newline < 0;
    return next;
  }

  private sendRest(stream: Stream): void {
    if (stream.rest.length === 0) return;
    this.commit(stream, this.cutter.cutRest(stream, this.options.queue.nextSequence(), 0));
  }

  /** One transaction: the batches, and the stream as it is after them. */
  private commit(stream: Stream, cut: Cut): void {
    const { queue, rows } = this.options;
    const undo = stream.takeRest(cut.rest, this.options.clock.nowMs());
    if (cut.rest.kind === 'replace' && stream.restIsDurable) {
      stream.restIsDurable = false;
      rows.delete(durableKey(stream.handle));
    }
    stream.put(rows);
    try {
      queue.append(cut.batches, rows.changes);
    } catch (error) {
      undo();
      this.putAgain(stream);
      throw error;
    }
    rows.changes.clear();
    if (cut.pieces > 0 && !stream.warnedOfLength) {
      stream.warnedOfLength = true;
      const { path, rule } = stream;
      this.options.warn(
        `${printableName(path)}: a line is longer than max_record (${rule.maxRecordBytes} bytes) and is sent in pieces; raise max_record if it must stay whole`,
      );
    }
    this.counters.pieces += cut.pieces;
  }

  /** After a failed transaction, the rows that are pending must say what is still true. */
  private putAgain(stream: Stream): void {
    stream.put(this.options.rows, true);
    if (stream.restIsDurable) this.options.rows.changes.delete(durableKey(stream.handle));
  }

  private makeStream(identity: ConstructorParameters<typeof Stream>[0], rule: StreamRule): Stream {
    const stream = new Stream(identity, rule, this.options.host);
    this.streams.set(identity.handle, stream);
    return stream;
  }

  private capturedEnd(nodeId: number): number {
    return this.capturedEnds.get(nodeId) ?? this.options.sizeBytes(nodeId);
  }

  /** Pages from the kernel's cache do not tell who wrote them: the writer before stands for them. */
  private adoptWriter(stream: Stream, request: FuseRequest): void {
    if (request.pid === 0 && stream.pid !== 0) return;
    stream.pid = request.pid;
    stream.uid = request.uid;
    stream.gid = request.gid;
  }
}

/** A file whose rule is gone while it is open goes on as it was opened: as lines. */
const KEEP_LINES: StreamRule = { send: 'lines', maxRecordBytes: 1024 * 1024, lineTimeoutMs: 0 };
