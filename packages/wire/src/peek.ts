import { BATCH_PREFIX_BYTES } from './batch.js';
import { readUInt64 } from './uint64.js';

/*
 * Single fields of a batch that is known to be valid, without decoding the rest of it. `offset` is where the
 * batch starts. Bytes that are too short throw RangeError.
 */

export function readEpoch(bytes: Buffer, offset = 0): number {
  return bytes.readUInt32LE(offset + 16);
}

export function readSequence(bytes: Buffer, offset = 0): number {
  return readUInt64(bytes, offset + 24);
}

export function readPosition(bytes: Buffer, offset = 0): { epoch: number; sequence: number } {
  return { epoch: readEpoch(bytes, offset), sequence: readSequence(bytes, offset) };
}

export function readFlags(bytes: Buffer, offset = 0): number {
  return bytes.readUInt16LE(offset + 2);
}

export function readRecordCount(bytes: Buffer, offset = 0): number {
  return bytes.readUInt32LE(offset + 20);
}

export function readStream(bytes: Buffer, offset = 0): number {
  return readUInt64(bytes, offset + 32);
}

/** When it was written, in whole milliseconds since 1970. */
export function readTimeMs(bytes: Buffer, offset = 0): number {
  return readUInt64(bytes, offset + 40) * 1000 + Math.floor(bytes.readUInt32LE(offset + 48) / 1e6);
}

export function readPayloadBytes(bytes: Buffer, offset = 0): number {
  return bytes.readUInt32LE(offset + 8);
}

/** Where in `bytes` the payload of the batch at `offset` starts. */
export function readPayloadStart(bytes: Buffer, offset = 0): number {
  return offset + BATCH_PREFIX_BYTES + bytes.readUInt32LE(offset + 4);
}

/** What a queue wants to know of the batches that it keeps. */
export interface BatchSummary {
  timeMs: number;
  records: number;
  flags: number;
  stream: number;
  payloadBytes: number;
}

/** Summary of a stored batch: `bytes` starts with it. */
export function inspectBatch(bytes: Buffer): BatchSummary {
  return {
    timeMs: readTimeMs(bytes),
    records: readRecordCount(bytes),
    flags: readFlags(bytes),
    stream: readStream(bytes),
    payloadBytes: readPayloadBytes(bytes),
  };
}
