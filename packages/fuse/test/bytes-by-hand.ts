import { RequestBody } from '../src/body.js';

/** Bytes as a test writes them down: numbers of 32 and 64 bits in little endian, and texts without an end. */
export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}

export function u64(...values: (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries())
    bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), index * 8);
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

const JUNK = Buffer.alloc(64, 'x');

/** A body that stands, like a real one, in the middle of a buffer with the rests of other requests around it. */
export function bodyOf(...parts: Buffer[]): RequestBody {
  const bytes = Buffer.concat([JUNK, ...parts, JUNK]);
  return new RequestBody().set(bytes, JUNK.length, bytes.length - JUNK.length);
}

/** The same body for each length that is too short, for decoders to refuse. */
export function truncations(...parts: Buffer[]): RequestBody[] {
  const whole = Buffer.concat(parts);
  return Array.from({ length: whole.length }, (_, length) => bodyOf(whole.subarray(0, length)));
}

export interface RequestFields {
  opcode: number;
  unique?: number | bigint;
  nodeId?: number | bigint;
  uid?: number;
  gid?: number;
  pid?: number;
}

/** A whole request: header and body. */
export function requestBytes(fields: RequestFields, ...body: Buffer[]): Buffer {
  const { opcode, unique = 2, nodeId = 1, uid = 0, gid = 0, pid = 0 } = fields;
  const rest = Buffer.concat(body);
  const header = [u32(40 + rest.length, opcode), u64(unique, nodeId), u32(uid, gid, pid, 0)];
  return Buffer.concat([...header, rest]);
}
