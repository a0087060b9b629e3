import { crc32 } from 'node:zlib';
import { FLAG_DURABLE_FIRST, type BatchFacts, type Position } from '../../src/index.js';

/*
 * Batches as these tests make them: u32 crc of the rest, u32 flags, u32 records, u32 stream, u64 sequence as a
 * double, f64 timeMs, then a payload that follows from the sequence.
 */
const HEAD_BYTES = 32;

export interface MadeBatch {
  readonly sequence: number;
  readonly payloadBytes?: number;
  readonly timeMs?: number;
  readonly records?: number;
  readonly durableFirst?: boolean;
  readonly stream?: number;
}

export function makeBatch(made: MadeBatch): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + (made.payloadBytes ?? 20), made.sequence % 251);
  bytes.writeUInt32LE(made.durableFirst === true ? FLAG_DURABLE_FIRST : 0, 4);
  bytes.writeUInt32LE(made.records ?? 1, 8);
  bytes.writeUInt32LE(made.stream ?? 1, 12);
  bytes.writeDoubleLE(made.sequence, 16);
  bytes.writeDoubleLE(made.timeMs ?? Date.now(), 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

export function inspect(bytes: Buffer): BatchFacts {
  return {
    flags: bytes.readUInt32LE(4),
    records: bytes.readUInt32LE(8),
    stream: bytes.readUInt32LE(12),
    timeMs: bytes.readDoubleLE(24),
    payloadBytes: bytes.length - HEAD_BYTES,
  };
}

export function sequenceIn(bytes: Buffer): number {
  return bytes.readDoubleLE(16);
}

/** Throws when the bytes are not those that were made for this position. */
export function checkBatch({ sequence }: Position, bytes: Buffer): void {
  if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(4)))
    throw new Error(`batch ${sequence} has a wrong crc`);
  if (sequenceIn(bytes) !== sequence) throw new Error(`batch ${sequence} holds ${sequenceIn(bytes)}`);
}
