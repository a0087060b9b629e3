import type { Position } from './position.js';
import { readUint64BE, writeUint64BE } from './uint64.js';

/** The queue's own rows in hot. */
export const HOT_ROWS = {
  /** Position of the last batch that was ever appended, as far as the batches themselves do not show it. */
  last: 'last',
  /** The latest checkpoint request: {@link CheckpointRequest}. */
  request: 'request',
  /** Everything in this epoch up to this sequence that is not in the store was dropped: a position. */
  dropped: 'dropped',
  /** What the drain shall drop of the store: {@link DropRequest}. */
  drop: 'drop',
  /** Durable rests that were saved in epochs below this one have been appended again: a position. */
  taken: 'taken',
  /** Counters of the worker, JSON. */
  counters: 'counters',
} as const;

const POSITION_BYTES = 12;

/** epoch u32, sequence u64; big endian as in keys. */
export function encodePosition(position: Position): Buffer {
  const bytes = Buffer.alloc(POSITION_BYTES);
  bytes.writeUInt32BE(position.epoch, 0);
  writeUint64BE(bytes, position.sequence, 4);
  return bytes;
}

export function decodePosition(bytes: Buffer | undefined): Position | undefined {
  if (bytes?.length !== POSITION_BYTES) return undefined;
  return { epoch: bytes.readUInt32BE(0), sequence: readUint64BE(bytes, 4) };
}

/** ticket u64, then the position up to which everything shall be in the store. */
export interface CheckpointRequest {
  readonly ticket: number;
  readonly upTo: Position;
}

export function encodeRequest(request: CheckpointRequest): Buffer {
  const ticket = Buffer.alloc(8);
  writeUint64BE(ticket, request.ticket, 0);
  return Buffer.concat([ticket, encodePosition(request.upTo)]);
}

export function decodeRequest(bytes: Buffer | undefined): CheckpointRequest | undefined {
  const upTo = decodePosition(bytes?.subarray(8));
  return bytes === undefined || upTo === undefined ? undefined : { ticket: readUint64BE(bytes, 0), upTo };
}

/** ticket u64, bytes u64. */
export interface DropRequest {
  readonly ticket: number;
  readonly bytes: number;
}

export function encodeDrop(request: DropRequest): Buffer {
  const bytes = Buffer.alloc(16);
  writeUint64BE(bytes, request.ticket, 0);
  writeUint64BE(bytes, request.bytes, 8);
  return bytes;
}

export function decodeDrop(bytes: Buffer | undefined): DropRequest | undefined {
  return bytes?.length === 16 ? { ticket: readUint64BE(bytes, 0), bytes: readUint64BE(bytes, 8) } : undefined;
}
