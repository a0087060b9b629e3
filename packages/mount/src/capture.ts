import type { ByteString, FuseRequest, WriteArguments } from '@k2hft/fuse';
import { BatchFlag } from '@k2hft/wire';
import { BatchBuilder } from './batch-builder.js';
import type { OpenHandle } from './file-tree.js';
import { CaptureCommits, type CaptureCommitsOptions, type CommitQueue } from './capture-commits.js';
import { CaptureCopies } from './capture-copies.js';
import type { CaptureCounters } from './capture-counters.js';
import { CaptureStages } from './capture-stages.js';
import type { CopySink, CopyStages } from './copy-sink.js';
import { OpenStreams } from './open-streams.js';
import type { OpenEnd } from './payload-sifter.js';
import type { RowReader } from './pending-rows.js';
import type { RuleFinder } from './rules.js';
import { WriteCutter } from './write-cutter.js';
import { durableKey, type Stream } from './stream.js';

/** The part of the queue that capture needs. */
export interface CaptureQueue extends CommitQueue, RowReader {
  readonly epoch: number;
}

export interface CaptureOptions extends CaptureCommitsOptions {
  queue: CaptureQueue;
  findRule: RuleFinder;
  host: string;
  /** Present length of a file, for the first stream that opens it. */
  sizeBytes(nodeId: number): number;
  /** Where `copy_to` goes; absent: no rule has it. */
  copies?: CopySink;
}

/** O_ACCMODE: reading alone is 0. */
const ACCESS_MODE_MASK = 3;
/**
 * Turns what programs write into batches of the queue: keeps each stream's unfinished line, cuts at newlines, and
 * recognises a write that an earlier worker has queued already. A stream's memory changes only after the
 * transaction that holds the change: when a method throws, it may be called again with the same bytes.
 */
export class Capture {
  private readonly streams: OpenStreams;
  private readonly cutter: WriteCutter;
  private readonly copies: CaptureCopies;
  private readonly commits: CaptureCommits;
  /** Where copies go that stay in the mount. */
  readonly stages: CopyStages;

  constructor(private readonly options: CaptureOptions) {
    this.streams = new OpenStreams(options);
    this.cutter = new WriteCutter(new BatchBuilder(options.queue.epoch, options.clock));
    this.copies = new CaptureCopies(options.copies, options.rows);
    this.commits = new CaptureCommits(options, this.streams, this.copies);
    this.stages = new CaptureStages(this.streams, this.cutter, this.commits);
  }

  get counters(): CaptureCounters {
    return this.commits.counters;
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
      const place = this.commits.place(stream, overwrites ? BatchFlag.OVERWRITE : 0);
      const cut = this.cutter.cut(stream, place, write, start);
      this.commits.commit(stream, cut, write.buffer.subarray(start, write.end));
    } catch (error) {
      Object.assign(stream, { lastUnique, lastCount, nextOffset, capturedEnd });
      stream.put(this.options.rows, true);
      throw error;
    }
    this.streams.captured(stream);
    this.commits.counters.wrote(stream.path, count, overwrites);
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
    this.commits.drop(stream, buffer.subarray(start, end));
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
    const place = this.commits.place(stream, BatchFlag.STREAM_END);
    this.commits.end(stream, this.cutter.cutRest(stream, place, 'complete'));
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
    const place = this.commits.place(stream, 0);
    this.commits.commit(stream, this.cutter.cutRest(stream, place, openEnd));
  }

  /** Pages from the kernel's cache do not tell who wrote them: the writer before stands for them. */
  private adoptWriter(stream: Stream, request: FuseRequest): void {
    if (request.pid === 0 && stream.pid !== 0) return;
    stream.pid = request.pid;
    stream.uid = request.uid;
    stream.gid = request.gid;
  }
}
