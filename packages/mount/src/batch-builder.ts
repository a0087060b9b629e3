import { BATCH_PREFIX_BYTES, BatchFlag, writeBatchHeader, type BatchFields } from '@k2hft/wire';
import { countNewlines } from './newline-count.js';
import type { Stream } from './stream.js';
import type { WallClock } from './wall-clock.js';

/** A batch as the queue takes it. */
export interface BuiltBatch {
  readonly sequence: number;
  readonly bytes: Buffer;
}

const NEWLINE = 0x0a;

/** Puts headers in front of payloads. It reuses one set of fields: a batch must be queued before the next is built. */
export class BatchBuilder {
  private readonly fields: BatchFields = {
    epoch: 0,
    sequence: 0,
    stream: 0,
    flags: 0,
    recordCount: 0,
    timeSeconds: 0,
    timeNanos: 0,
    pid: 0,
    uid: 0,
    gid: 0,
  };

  constructor(
    private readonly epoch: number,
    private readonly clock: WallClock,
  ) {}

  /** How many bytes a batch of the stream has in front of its payload. */
  static headerBytes(stream: Stream): number {
    return BATCH_PREFIX_BYTES + stream.attributes.length;
  }

  /**
   * Writes the header so that it ends where the payload begins, in the room before it; returns the batch as a view
   * of `target`.
   */
  inPlace(
    stream: Stream,
    sequence: number,
    flags: number,
    target: Buffer,
    payloadStart: number,
    payloadEnd: number,
  ): BuiltBatch {
    const fields = this.fields;
    fields.epoch = this.epoch;
    fields.sequence = sequence;
    fields.stream = stream.stream;
    fields.pid = stream.pid;
    fields.uid = stream.uid;
    fields.gid = stream.gid;
    const nowMs = this.clock.nowMs();
    fields.timeSeconds = Math.floor(nowMs / 1000);
    fields.timeNanos = Math.floor((nowMs % 1000) * 1e6);
    if ((flags & BatchFlag.BINARY) !== 0) {
      fields.flags = flags;
      fields.recordCount = 1;
    } else {
      const open = payloadEnd > payloadStart && target[payloadEnd - 1] !== NEWLINE;
      fields.flags = open ? flags | BatchFlag.ENDS_OPEN : flags;
      fields.recordCount = countNewlines(target, payloadStart, payloadEnd) + (open ? 1 : 0);
    }
    const start = writeBatchHeader(target, payloadStart, payloadEnd, fields, stream.attributes);
    return { sequence, bytes: target.subarray(start, payloadEnd) };
  }

  /** Copies a payload behind a header of its own. */
  copied(stream: Stream, sequence: number, flags: number, payload: Buffer): BuiltBatch {
    const payloadStart = BatchBuilder.headerBytes(stream);
    const target = Buffer.allocUnsafe(payloadStart + payload.length);
    payload.copy(target, payloadStart);
    return this.inPlace(stream, sequence, flags, target, payloadStart, target.length);
  }
}
