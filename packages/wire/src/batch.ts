import { crc32 } from 'node:zlib';
import { decodeAttributes } from './attributes.js';
import { WireError } from './errors.js';
import { ATTRIBUTES_BYTES_MAX, PAYLOAD_BYTES_MAX } from './limits.js';
import type { Route } from './route.js';
import { readUInt64, writeUInt64 } from './uint64.js';

/*
 * A batch is what one write(2) gave: some records of one stream. The queue stores it and the wire carries it
 * byte for byte as it is here, so that nothing between the program and the aggregated file encodes it again.
 *
 *  0 u8  magic 0xB7         16 u32 epoch              48 u32 time, nanoseconds
 *  1 u8  version 1          20 u32 number of records  52 u32 pid of the writer
 *  2 u16 flags              24 u64 sequence           56 u32 uid
 *  4 u32 attributes' bytes  32 u64 stream             60 u32 gid
 *  8 u32 payload's bytes    40 u64 time, seconds      64 attributes
 * 12 u32 crc32 of bytes 16 to the end                 .. payload: the bytes as they were written
 *
 * Attributes: msgpack map {path: bin, host: str}, and of a batch that went through relays {origin: bin, via: [bin]} (Route).
 *
 * Integers are little endian. Numbers of 64 bits stay below 2^53. The checksum covers everything that is not
 * needed to find its own extent; the lengths before it are checked against the bytes that are there.
 */
export const BATCH_PREFIX_BYTES = 64;

/** First byte of every batch, and so of every message that holds batches. */
export const BATCH_MAGIC = 0xb7;

const BATCH_VERSION = 1;

export const BatchFlag = {
  /** The payload is one binary chunk; without it, lines. */
  BINARY: 1,
  /** The payload does not end a record: for lines, its last byte is no newline. */
  ENDS_OPEN: 2,
  /** Nothing more comes of this stream. */
  STREAM_END: 4,
  /** Must be in the crash-proof part of the queue before it is sent. */
  DURABLE_FIRST: 8,
  /** Written elsewhere than at the end of what had been captured of the file. */
  OVERWRITE: 16,
  /** For the plugins of this host alone: it is not sent to servers. */
  LOCAL: 32,
} as const;

export interface BatchFields {
  epoch: number;
  /** Position within the epoch, from 1. */
  sequence: number;
  /** Unique within the source that the batch comes from at first, never used again. */
  stream: number;
  /** Sum of {@link BatchFlag}s. */
  flags: number;
  recordCount: number;
  timeSeconds: number;
  timeNanos: number;
  /** Who wrote. */
  pid: number;
  uid: number;
  gid: number;
}

export interface Batch extends BatchFields {
  /** Bytes, relative to the mount. Shared between batches: do not change it. */
  path: Buffer;
  host: string;
  /** How it came here, when it does not come from its source itself. Shared between batches. */
  route: Route | undefined;
  /** A view into the bytes that were decoded. */
  payload: Buffer;
  /** Prefix, attributes and payload. */
  totalBytes: number;
}

/**
 * Writes prefix and attributes so that they end at `payloadStart`, around a payload that is in its place
 * already: `target[payloadStart..payloadEnd)`. Returns where the batch starts, which is `BATCH_PREFIX_BYTES +
 * attributes.length` before the payload; the caller leaves that room. The payload is read once, for the checksum.
 */
export function writeBatchHeader(
  target: Buffer,
  payloadStart: number,
  payloadEnd: number,
  fields: BatchFields,
  attributes: Buffer,
): number {
  const start = payloadStart - BATCH_PREFIX_BYTES - attributes.length;
  if (start < 0) throw new RangeError('no room for the header of a batch in front of its payload');
  target.writeUInt8(BATCH_MAGIC, start);
  target.writeUInt8(BATCH_VERSION, start + 1);
  target.writeUInt16LE(fields.flags, start + 2);
  target.writeUInt32LE(attributes.length, start + 4);
  target.writeUInt32LE(payloadEnd - payloadStart, start + 8);
  target.writeUInt32LE(fields.epoch, start + 16);
  target.writeUInt32LE(fields.recordCount, start + 20);
  writeUInt64(target, fields.sequence, start + 24);
  writeUInt64(target, fields.stream, start + 32);
  writeUInt64(target, fields.timeSeconds, start + 40);
  target.writeUInt32LE(fields.timeNanos, start + 48);
  target.writeUInt32LE(fields.pid, start + 52);
  target.writeUInt32LE(fields.uid, start + 56);
  target.writeUInt32LE(fields.gid, start + 60);
  attributes.copy(target, start + BATCH_PREFIX_BYTES);
  target.writeUInt32LE(crc32(target.subarray(start + 16, payloadEnd)), start + 12);
  return start;
}

/**
 * Decodes the batch that starts at `offset`, without copying its payload. Throws {@link WireError} for anything
 * that is not a whole, valid batch; bytes behind the batch are not looked at.
 */
export function decodeBatch(bytes: Buffer, offset: number): Batch {
  const totalBytes = readTotalBytes(bytes, offset);
  const end = offset + totalBytes;
  if (end > bytes.length) {
    throw new WireError(
      'truncated',
      `a batch of ${totalBytes} bytes is cut off after ${bytes.length - offset}`,
    );
  }
  if (crc32(bytes.subarray(offset + 16, end)) !== bytes.readUInt32LE(offset + 12)) {
    throw new WireError(
      'checksum',
      'the checksum of a batch does not fit its bytes: it was damaged on its way',
    );
  }
  const payloadStart = offset + BATCH_PREFIX_BYTES + bytes.readUInt32LE(offset + 4);
  const { path, host, route } = decodeAttributes(bytes, offset + BATCH_PREFIX_BYTES, payloadStart);
  return {
    epoch: bytes.readUInt32LE(offset + 16),
    sequence: readUInt64(bytes, offset + 24),
    stream: readUInt64(bytes, offset + 32),
    flags: bytes.readUInt16LE(offset + 2),
    recordCount: bytes.readUInt32LE(offset + 20),
    timeSeconds: readUInt64(bytes, offset + 40),
    timeNanos: bytes.readUInt32LE(offset + 48),
    pid: bytes.readUInt32LE(offset + 52),
    uid: bytes.readUInt32LE(offset + 56),
    gid: bytes.readUInt32LE(offset + 60),
    path,
    host,
    route,
    payload: bytes.subarray(payloadStart, end),
    totalBytes,
  };
}

/** Decodes the batches of one message, one after the other. The message must end where its last batch ends. */
export function* decodeBatches(message: Buffer): Generator<Batch, void, undefined> {
  for (let offset = 0; offset < message.length;) {
    const batch = decodeBatch(message, offset);
    offset += batch.totalBytes;
    yield batch;
  }
}

/** Length of the batch at `offset`, of which at least the prefix must be there. Checks magic, version and limits. */
export function readTotalBytes(bytes: Buffer, offset: number): number {
  if (bytes.length - offset < BATCH_PREFIX_BYTES) {
    throw new WireError('truncated', `${bytes.length - offset} bytes are too few for a batch`);
  }
  if (bytes.readUInt8(offset) !== BATCH_MAGIC) {
    throw new WireError(
      'malformed',
      `a batch starts with 0xb7, not with 0x${bytes.toString('hex', offset, offset + 1)}`,
    );
  }
  if (bytes.readUInt8(offset + 1) !== BATCH_VERSION) {
    throw new WireError(
      'malformed',
      `a batch of version ${bytes.readUInt8(offset + 1)}: only ${BATCH_VERSION} is known`,
    );
  }
  const attributesBytes = bytes.readUInt32LE(offset + 4);
  const payloadBytes = bytes.readUInt32LE(offset + 8);
  if (attributesBytes > ATTRIBUTES_BYTES_MAX) {
    throw new WireError(
      'limit',
      `${attributesBytes} bytes of attributes: at most ${ATTRIBUTES_BYTES_MAX} are allowed`,
    );
  }
  if (payloadBytes > PAYLOAD_BYTES_MAX) {
    throw new WireError(
      'limit',
      `${payloadBytes} bytes of payload: at most ${PAYLOAD_BYTES_MAX} are allowed`,
    );
  }
  return BATCH_PREFIX_BYTES + attributesBytes + payloadBytes;
}
