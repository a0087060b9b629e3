import { BatchFlag } from '@k2hft/wire';
import { BatchBuilder, type BuiltBatch } from './batch-builder.js';
import { splitLong, splitShort } from './split-lines.js';
import type { RestChange, Stream } from './stream.js';

/** The bytes of a write: buffer[start..end), with free room before `start`. */
export interface WrittenBytes {
  readonly buffer: Buffer;
  readonly end: number;
}

export interface Cut {
  readonly batches: readonly BuiltBatch[];
  readonly rest: RestChange;
  /** Lines' pieces among the batches, because a line is longer than max_record. */
  readonly pieces: number;
}

const NO_BYTES = Buffer.alloc(0);
const EMPTY_REST: RestChange = { kind: 'replace', source: NO_BYTES, start: 0, end: 0 };

/** Makes batches of a stream's unfinished line and the bytes behind it. It changes neither the stream nor the queue. */
export class WriteCutter {
  constructor(private readonly builder: BatchBuilder) {}

  /** Cuts what was written from `start` on; the batches' sequences count up from `sequence`. */
  cut(stream: Stream, sequence: number, flags: number, written: WrittenBytes, start: number): Cut {
    if (stream.rule.send === 'binary') return this.cutBinary(stream, sequence, flags, written, start);
    const { buffer, end } = written;
    const durable = stream.restIsDurable ? BatchFlag.DURABLE_FIRST : 0;
    const split = splitShort(stream.rest.length, buffer, start, end, stream.rule.maxRecordBytes);
    if (split === undefined) return this.cutLong(stream, sequence, flags | durable, written, start);
    const payloadBytes = split.payloadEnds[0];
    if (payloadBytes === undefined) {
      return { batches: [], rest: { kind: 'grow', source: buffer, start, end }, pieces: 0 };
    }
    const restBytes = stream.rest.length;
    const payloadEnd = start + payloadBytes - restBytes;
    const rest: RestChange = { kind: 'replace', source: buffer, start: payloadEnd, end };
    if (start < restBytes + BatchBuilder.headerBytes(stream)) {
      const payload = Buffer.concat([stream.rest.view(), buffer.subarray(start, payloadEnd)]);
      const batch = this.builder.copied(stream, sequence, flags | durable, payload);
      return { batches: [batch], rest, pieces: 0 };
    }
    stream.rest.copyBefore(buffer, start);
    const payloadStart = start - restBytes;
    const batch = this.builder.inPlace(stream, sequence, flags | durable, buffer, payloadStart, payloadEnd);
    return { batches: [batch], rest, pieces: 0 };
  }

  /** The unfinished line as a batch of its own; none when there is none. */
  cutRest(stream: Stream, sequence: number, flags: number): Cut {
    if (stream.rest.length === 0) return { batches: [], rest: EMPTY_REST, pieces: 0 };
    const durable = stream.restIsDurable ? BatchFlag.DURABLE_FIRST : 0;
    const batch = this.builder.copied(stream, sequence, flags | durable, stream.rest.view());
    return { batches: [batch], rest: EMPTY_REST, pieces: 0 };
  }

  private cutLong(
    stream: Stream,
    sequence: number,
    flags: number,
    written: WrittenBytes,
    start: number,
  ): Cut {
    const run = Buffer.concat([stream.rest.view(), written.buffer.subarray(start, written.end)]);
    const { payloadEnds, pieces } = splitLong(run, stream.rule.maxRecordBytes);
    let at = 0;
    const batches = payloadEnds.map((payloadEnd, index) => {
      // Only the first payload holds what an earlier fsync(2) made durable.
      const ownFlags = index === 0 ? flags : flags & ~BatchFlag.DURABLE_FIRST;
      const batch = this.builder.copied(stream, sequence + index, ownFlags, run.subarray(at, payloadEnd));
      at = payloadEnd;
      return batch;
    });
    const kind = batches.length === 0 ? 'grow' : 'replace';
    const from = batches.length === 0 ? stream.rest.length : at;
    return { batches, rest: { kind, source: run, start: from, end: run.length }, pieces };
  }

  private cutBinary(
    stream: Stream,
    sequence: number,
    flags: number,
    written: WrittenBytes,
    start: number,
  ): Cut {
    const { buffer, end } = written;
    if (start === end) return { batches: [], rest: EMPTY_REST, pieces: 0 };
    const inPlace = start >= BatchBuilder.headerBytes(stream);
    const allFlags = flags | BatchFlag.BINARY;
    const batch = inPlace
      ? this.builder.inPlace(stream, sequence, allFlags, buffer, start, end)
      : this.builder.copied(stream, sequence, allFlags, buffer.subarray(start, end));
    return { batches: [batch], rest: EMPTY_REST, pieces: 0 };
  }
}
