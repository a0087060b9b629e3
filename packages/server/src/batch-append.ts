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
 * stream that goes on after itself is never interrupted. Binary data has no lines: nothing is put before or behind it.
 */
export function planAppend(
  batches: readonly StreamBatch[],
  tail: Tail | undefined,
  format: LineFormat,
): Append {
  const append: Append = { buffers: [], bytes: 0, batchCount: 0, tail };
  for (const { batch, stream } of batches) {
    const isFull = append.buffers.length + 2 > BUFFERS_MAX || append.bytes + batch.payload.length > BYTES_MAX;
    if (append.batchCount > 0 && isFull) break;
    const isBinary = (batch.flags & BatchFlag.BINARY) !== 0;
    const continues = append.tail?.stream === stream;
    const bytes = format.render(batch, continues && append.tail?.midRecord === true);
    if (bytes.length > 0 && append.tail !== undefined && !continues && !isBinary) push(append, NEWLINE);
    if (bytes.length > 0) push(append, bytes);
    const isBinaryData = isBinary && bytes.length > 0;
    append.tail = isBinaryData ? undefined : tailAfter(append.tail, bytes, stream, endsMidRecord(batch));
    append.batchCount++;
  }
  return append;
}

function push(append: Append, bytes: Buffer): void {
  append.buffers.push(bytes);
  append.bytes += bytes.length;
}

function tailAfter(
  before: Tail | undefined,
  bytes: Buffer,
  stream: string,
  midRecord: boolean,
): Tail | undefined {
  if (bytes.length === 0) {
    return before?.stream === stream ? { stream, midRecord } : before;
  }
  return bytes[bytes.length - 1] === NEWLINE_BYTE ? undefined : { stream, midRecord };
}
