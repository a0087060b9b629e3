import type { Position } from './position.js';
import { readUint64BE, writeUint64BE } from './uint64.js';

/**
 * All databases of the queue have one unnamed table with binary keys, told apart by their first byte:
 *
 *   0x10 name                      the queue's own rows
 *   0x20 key                       hot: rows of the mount; state: saved durable rests
 *   0x40 epoch u32 sequence u64    a batch; big endian, so that byte order is queue order
 *
 * Batches come last, so that each new one is put at the right edge of the tree, where LMDB fills pages whole.
 */
const OWN = 0x10;
const ROW = 0x20;
const BATCH = 0x40;

export const BATCH_KEY_BYTES = 13;

export function ownKey(name: string): Buffer {
  return Buffer.from(String.fromCharCode(OWN) + name, 'latin1');
}

export function rowKey(key: string): Buffer {
  return Buffer.from(String.fromCharCode(ROW) + key, 'latin1');
}

/** The range that holds every row whose key starts with `prefix`. */
export function rowRange(prefix: string): [start: Buffer, end: Buffer] {
  return [rowKey(prefix), Buffer.concat([rowKey(prefix), Buffer.from([0xff])])];
}

/** The text behind the first byte. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 1, key.length - 1).toString('latin1');
}

export function batchKey(epoch: number, sequence: number): Buffer {
  return writeBatchKey(Buffer.allocUnsafe(BATCH_KEY_BYTES), epoch, sequence);
}

export function writeBatchKey(target: Buffer, epoch: number, sequence: number): Buffer {
  target[0] = BATCH;
  target.writeUInt32BE(epoch, 1);
  writeUint64BE(target, sequence, 5);
  return target;
}

export function batchPosition(key: Uint8Array): Position {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  return { epoch: bytes.readUInt32BE(1), sequence: readUint64BE(bytes, 5) };
}

/** Behind every batch. */
export const BATCHES_END: Buffer = Buffer.from([BATCH + 1]);

/** Before every batch. */
export const BATCHES_START: Buffer = Buffer.from([BATCH]);

/** Before everything. */
export const FIRST_KEY: Buffer = Buffer.from([OWN]);
