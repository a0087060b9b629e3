import type { ByteString } from '@k2hft/fuse';
import type { PendingRows, RowReader } from './pending-rows.js';
import { KEEP_LINES, type RuleFinder, type StreamRule } from './rules.js';
import { storedIdentities, Stream, type StreamIdentity } from './stream.js';

export interface OpenStreamsOptions {
  readonly queue: RowReader & { readonly epoch: number };
  readonly rows: PendingRows;
  readonly findRule: RuleFinder;
  readonly host: string;
  /** Present length of a file, for the first stream that opens it. */
  sizeBytes(nodeId: number): number;
}

const STREAM_COUNTER_KEY = 'c';
/** Far more files than a source opens between two losses of power, and 2 million epochs fit into a number. */
const STREAMS_PER_EPOCH = 2 ** 32;

/** The streams that are open, and how far their files are captured. */
export class OpenStreams {
  private readonly streams = new Map<number, Stream>();
  /** Where the captured part of an open file ends; a write below that is an overwrite. */
  private readonly capturedEnds = new Map<number, number>();
  private counter: number;

  constructor(private readonly options: OpenStreamsOptions) {
    const stored = options.queue.row(STREAM_COUNTER_KEY);
    // Rows are lost with the power; the streams of the next epoch are others all the same.
    const firstOfEpoch = options.queue.epoch * STREAMS_PER_EPOCH;
    this.counter = stored === undefined ? firstOfEpoch : Number(Buffer.from(stored).toString());
  }

  get(handle: number): Stream | undefined {
    return this.streams.get(handle);
  }

  all(): Stream[] {
    return [...this.streams.values()];
  }

  /** Its rows are pending when this returns. */
  open(handle: number, nodeId: number, path: ByteString, rule: StreamRule): Stream {
    return this.start({ handle, nodeId, stream: this.takeNumber(), path }, rule, this.capturedEnd(nodeId));
  }

  /** A stream that copies of another one are written to. */
  openStage(copied: number, path: ByteString): Stream {
    const stream = this.takeNumber();
    // No file of the kernel's has such a handle, or such a node.
    const identity = { handle: -stream, nodeId: -stream, stream, path, copied };
    return this.start(identity, this.options.findRule(path) ?? KEEP_LINES, 0);
  }

  /** Those that an earlier worker has left. */
  restore(): Stream[] {
    const { findRule, queue } = this.options;
    return [...storedIdentities(queue)].map((identity) => {
      const stream = this.make(identity, findRule(identity.path) ?? KEEP_LINES);
      stream.restore(queue);
      const captured = Math.max(stream.capturedEnd, this.capturedEnds.get(stream.nodeId) ?? 0);
      this.capturedEnds.set(stream.nodeId, captured);
      return stream;
    });
  }

  forget(stream: Stream): void {
    this.streams.delete(stream.handle);
    if (!this.all().some(({ nodeId }) => nodeId === stream.nodeId)) this.capturedEnds.delete(stream.nodeId);
  }

  capturedEnd(nodeId: number): number {
    return this.capturedEnds.get(nodeId) ?? this.options.sizeBytes(nodeId);
  }

  /** The stream has captured its file up to there. */
  captured(stream: Stream): void {
    this.capturedEnds.set(stream.nodeId, stream.capturedEnd);
  }

  /** The file was cut or extended: what is written behind its new end is new. */
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

  private takeNumber(): number {
    this.counter++;
    this.options.rows.put(STREAM_COUNTER_KEY, Buffer.from(String(this.counter)));
    return this.counter;
  }

  private start(identity: StreamIdentity, rule: StreamRule, capturedEnd: number): Stream {
    const { rows } = this.options;
    const stream = this.make(identity, rule);
    stream.capturedEnd = capturedEnd;
    this.capturedEnds.set(stream.nodeId, capturedEnd);
    stream.putIdentity(rows);
    stream.put(rows);
    return stream;
  }

  private make(identity: StreamIdentity, rule: StreamRule): Stream {
    const stream = new Stream(identity, rule, this.options.host);
    this.streams.set(identity.handle, stream);
    return stream;
  }
}
