import { BatchFlag, type Batch } from '@k2hft/wire';
import { endsMidRecord, type LineFormat } from './format.js';
import type { Tail } from './output-file.js';

const NEWLINE = Buffer.from('\n');
const NEWLINE_BYTE = 10;

/** Buffers of one writev(2) (IOV_MAX). */
const BUFFERS_MAX = 1024;

/**
 * Bytes of one append. One that does not fit on the disk is taken back as a whole, so it must not be so large that a
 * disk with a little room never takes it; the largest batch is one append of its own.
 */
const BYTES_MAX = 4 * 1024 * 1024;

export interface Append {
  buffers: Buffer[];
  bytes: number;
  /** How many of the batches are in it: at least one. */
  batchCount: number;
  /** How the file ends afterwards. */
  tail: Tail | undefined;
}

/** A batch, and the stream that it is of as it is called in {@link Tail}. */
export interface StreamBatch {
  batch: Batch;
  stream: string;
}

/**
 * Plans one append of the first batches to a file that ends as `tail` says. Where one stream has left its line
 * unfinished and another one follows, a newline is put in between, so that lines of two streams never run together; a
 * stream that goes on after itself is never interrupted. A format that says itself what is behind a line is obeyed: only
 * after a record that is not finished there is a newline then. Binary data has no lines: nothing is put before or behind it.
 * Between two records the plan stops before it takes more than `roomBytes`, but it has one batch at least.
 */
export function planAppend(
  batches: readonly StreamBatch[],
  tail: Tail | undefined,
  format: LineFormat,
  roomBytes = Infinity,
): Append {
  const append: Append = { buffers: [], bytes: 0, batchCount: 0, tail };
  for (const { batch, stream } of batches) {
    const isFull = append.buffers.length + 2 > BUFFERS_MAX || append.bytes + batch.payload.length > BYTES_MAX;
    if (append.batchCount > 0 && isFull) break;
    const isBinary = (batch.flags & BatchFlag.BINARY) !== 0;
    const before = append.tail;
    const continues = before?.stream === stream;
    const bytes = format.render(batch, continues && before.midRecord);
    const startsLine =
      bytes.length > 0 && before !== undefined && !continues && !isBinary && !isBinaryTail(before);
    const needed = bytes.length + (startsLine ? 1 : 0);
    if (append.batchCount > 0 && append.bytes + needed > roomBytes && before?.midRecord !== true) break;
    if (startsLine) push(append, NEWLINE);
    if (bytes.length > 0) push(append, bytes);
    append.tail = tailAfter(before, bytes, endOf(batch, stream, format));
    append.batchCount++;
  }
  return append;
}

function isBinaryTail(tail: Tail): boolean {
  return tail.binary === true;
}

function push(append: Append, bytes: Buffer): void {
  append.buffers.push(bytes);
  append.bytes += bytes.length;
}

/** How a batch ends. */
interface End {
  stream: string;
  /** Whose line it is that the batch leaves open: nobody's when nothing more comes of the stream. */
  owner: string;
  midRecord: boolean;
  isBinary: boolean;
  /** The file ends as the line does; otherwise what is behind a whole record is the format's affair. */
  endsWithLine: boolean;
}

function endOf(batch: Batch, stream: string, { endsWithLine }: LineFormat): End {
  const owner = (batch.flags & BatchFlag.STREAM_END) !== 0 ? '' : stream;
  const isBinary = (batch.flags & BatchFlag.BINARY) !== 0;
  return { stream, owner, midRecord: endsMidRecord(batch), isBinary, endsWithLine };
}

/** The end of a binary chunk leaves nothing open, whatever its last byte is. */
function tailAfter(before: Tail | undefined, bytes: Buffer, end: End): Tail | undefined {
  const { stream, owner, midRecord, isBinary, endsWithLine } = end;
  if (bytes.length === 0) {
    if (before?.stream !== stream) return before;
    return isBinaryTail(before) && !midRecord ? undefined : { ...before, stream: owner, midRecord };
  }
  if (isBinary) return midRecord ? { stream, midRecord, binary: true } : undefined;
  if (!midRecord && !endsWithLine) return undefined;
  return bytes[bytes.length - 1] === NEWLINE_BYTE ? undefined : { stream: owner, midRecord };
}
