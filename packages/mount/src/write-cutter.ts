import { BatchFlag } from '@k2hft/wire';
import { BatchBuilder, type BuiltBatch } from './batch-builder.js';
import { dropLong } from './drop-long.js';
import { isDropping, type LineFate } from './line-fate.js';
import { payloadParts } from './payload-parts.js';
import { PayloadSifter, SiftTotals, type OpenEnd } from './payload-sifter.js';
import type { QuotaLeft } from './quota-buckets.js';
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
  /** The stream's, after it. */
  readonly fate: LineFate;
  readonly totals: SiftTotals;
}

/** Where the batches of a cut come in. */
export interface CutPlace {
  /** Of the first batch; the others' count up. */
  readonly sequence: number;
  /** Beside the stream's own. */
  readonly flags: number;
  readonly quota: QuotaLeft | undefined;
}

/**
 * A binary chunk is complete with so many bytes, as with K2HFTFUSE: a program that writes a few bytes at a time does
 * not make a batch of each.
 */
const CHUNK_BYTES = 80 * 1024;
const NEWLINE = 0x0a;
const NO_BYTES = Buffer.alloc(0);
const EMPTY_REST: RestChange = { kind: 'replace', source: NO_BYTES, start: 0, end: 0 };

/**
 * Makes batches of a stream's unfinished line and the bytes behind it, of what filter and quota leave. It changes neither the
 * stream nor the queue, nor the bytes that were written.
 */
export class WriteCutter {
  constructor(private readonly builder: BatchBuilder) {}

  /** Cuts what was written from `start` on. */
  cut(stream: Stream, place: CutPlace, written: WrittenBytes, start: number): Cut {
    const cutting = new Cutting(this.builder, stream, place);
    const { buffer, end } = written;
    if (stream.rule.copiesOnly) return cutting.cut(EMPTY_REST);
    if (stream.rule.settings.send === 'binary') return cutBinary(cutting, buffer, start, end);
    // While a line is being dropped nothing of it is kept: the stream's rest is empty.
    const from = isDropping(stream.fate) ? cutting.skipDropped(buffer, start, end) : start;
    if (isDropping(cutting.fate)) return cutting.cut(EMPTY_REST);
    const { maxRecordBytes } = stream.rule.settings;
    const split = splitShort(stream.rest.length, buffer, from, end, maxRecordBytes);
    if (split === undefined) return cutLong(cutting, buffer, from, end);
    const payloadBytes = split.payloadEnds[0];
    if (payloadBytes === undefined) return cutting.cut({ kind: 'grow', source: buffer, start: from, end });
    const payloadEnd = from + payloadBytes - stream.rest.length;
    cutting.addBehindRest(buffer, from, payloadEnd);
    return cutting.cut({ kind: 'replace', source: buffer, start: payloadEnd, end });
  }

  /** The unfinished line or chunk as a batch of its own; none when there is none, or nothing of it is left. */
  cutRest(stream: Stream, place: CutPlace, openEnd: OpenEnd): Cut {
    const cutting = new Cutting(this.builder, stream, place);
    const rest = stream.rest.view();
    if (rest.length > 0) cutting.add(rest, 0, rest.length, openEnd);
    return cutting.cut(EMPTY_REST);
  }
}

/** The making of one cut. */
class Cutting {
  readonly batches: BuiltBatch[] = [];
  fate: LineFate;
  pieces = 0;
  private readonly totals = new SiftTotals();
  private readonly sifter: PayloadSifter | undefined;
  private flags: number;

  constructor(
    private readonly builder: BatchBuilder,
    readonly stream: Stream,
    private readonly place: CutPlace,
  ) {
    const { filter } = stream.rule;
    const { quota } = place;
    this.fate = stream.fate;
    this.sifter =
      filter === undefined && quota === undefined
        ? undefined
        : new PayloadSifter({ filter, quota }, this.totals);
    const durable = stream.restIsDurable ? BatchFlag.DURABLE_FIRST : 0;
    this.flags = place.flags | stream.batchFlags | durable;
  }

  /** While a line is being dropped, what is there of it is dropped too. */
  cut(rest: RestChange): Cut {
    const { batches, fate, pieces, totals } = this;
    const drops = isDropping(fate) && this.stream.rule.settings.send !== 'binary';
    if (drops) totals.dropRest(fate, 0, rest.end - rest.start);
    return { batches, rest: drops ? EMPTY_REST : rest, pieces, fate, totals };
  }

  /** Where a write goes on that begins inside a line whose beginning was dropped. */
  skipDropped(buffer: Buffer, start: number, end: number): number {
    const newline = buffer.subarray(start, end).indexOf(NEWLINE);
    const next = newline < 0 ? end : start + newline + 1;
    // What a full queue has dropped is counted by the newlines that were in it.
    this.totals.dropRest(this.fate, newline >= 0 && this.fate === 'queue_full' ? 1 : 0, next - start);
    if (newline >= 0) this.fate = 'undecided';
    return next;
  }

  /** The stream's rest and buffer[start..end) as one payload; in place where there is room in front of it. */
  addBehindRest(buffer: Buffer, start: number, end: number): void {
    const { rest } = this.stream;
    if (start >= rest.length + BatchBuilder.headerBytes(this.stream)) {
      rest.copyBefore(buffer, start);
      this.add(buffer, start - rest.length, end, 'continues', true);
    } else {
      const run = Buffer.concat([rest.view(), buffer.subarray(start, end)]);
      this.add(run, 0, run.length, 'continues');
    }
  }

  /** A payload: whole lines, the last of them perhaps a piece. `hasRoom`: a header may be written in front of it. */
  add(source: Buffer, start: number, end: number, openEnd: OpenEnd, hasRoom = false): void {
    if (this.sifter === undefined) {
      this.build(source, start, end, hasRoom);
      return;
    }
    const sifted = this.sifter.sift(source, start, end, this.fate, openEnd);
    this.fate = sifted.fate;
    if (sifted.isUnchanged) this.build(source, start, end, hasRoom);
    else for (const part of payloadParts(sifted.payload)) this.build(part, 0, part.length, false);
  }

  /** A line that is longer than max_record and is not sent. */
  dropLong(lines: number, bytes: number): void {
    this.totals.drops.add('long_records', lines, bytes);
  }

  private build(source: Buffer, start: number, end: number, hasRoom: boolean): void {
    const { batches, builder, flags, stream } = this;
    const sequence = this.place.sequence + batches.length;
    batches.push(
      hasRoom
        ? builder.inPlace(stream, sequence, flags, source, start, end)
        : builder.copied(stream, sequence, flags, source.subarray(start, end)),
    );
    // Only the first batch holds what an earlier fsync(2) made durable.
    this.flags = flags & ~BatchFlag.DURABLE_FIRST;
  }
}

/** For lines that may be longer than max_record. */
function cutLong(cutting: Cutting, buffer: Buffer, start: number, end: number): Cut {
  const { stream } = cutting;
  const run = Buffer.concat([stream.rest.view(), buffer.subarray(start, end)]);
  const { longRecords, maxRecordBytes } = stream.rule.settings;
  if (longRecords === 'drop') return cutDropping(cutting, run, maxRecordBytes);
  const { payloadEnds, pieces } = splitLong(run, maxRecordBytes);
  cutting.pieces = pieces;
  let at = 0;
  for (const payloadEnd of payloadEnds) {
    cutting.add(run, at, payloadEnd, 'continues');
    at = payloadEnd;
  }
  if (payloadEnds.length > 0)
    return cutting.cut({ kind: 'replace', source: run, start: at, end: run.length });
  return cutting.cut({ kind: 'grow', source: run, start: stream.rest.length, end: run.length });
}

/**
 * Leaves out lines that are longer than max_record; one that is too long before its end is known is not kept. A line whose
 * beginning was sent goes on, as something has to end it.
 */
function cutDropping(cutting: Cutting, run: Buffer, recordBytesMax: number): Cut {
  const begun = cutting.fate === 'passing' ? run.indexOf(NEWLINE) + 1 || run.length : 0;
  if (begun > 0) cutting.add(run, 0, begun, 'continues');
  const left = dropLong(run.subarray(begun), recordBytesMax);
  const { kept, dropped, droppedBytes, endsDropping } = left;
  cutting.dropLong(dropped, droppedBytes);
  const payload = kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept);
  if (payload.length > 0) cutting.add(payload, 0, payload.length, 'continues');
  if (endsDropping) cutting.fate = 'long_records';
  return cutting.cut({ kind: 'replace', source: run, start: begun + left.keptEnd, end: run.length });
}

/** Bytes gather until a chunk is complete; a large write goes out at once, with what has gathered, from where it lies. */
function cutBinary(cutting: Cutting, buffer: Buffer, start: number, end: number): Cut {
  if (cutting.stream.rest.length + end - start < CHUNK_BYTES) {
    return cutting.cut({ kind: 'grow', source: buffer, start, end });
  }
  cutting.addBehindRest(buffer, start, end);
  return cutting.cut(EMPTY_REST);
}
