import { WireError } from './errors.js';

const TWO_TO_32 = 0x1_0000_0000;

/** The largest high word of a number that JavaScript holds exactly (below 2^53). */
const HIGH_WORD_MAX = 0x1f_ffff;

/** Writes a whole number below 2^53 as unsigned 64 bits, little endian, without making a BigInt. */
export function writeUInt64(target: Buffer, value: number, offset: number): void {
  target.writeUInt32LE(value >>> 0, offset);
  target.writeUInt32LE(Math.floor(value / TWO_TO_32), offset + 4);
}

/** Reads what {@link writeUInt64} wrote. Throws WireError for numbers of 2^53 and above. */
export function readUInt64(bytes: Buffer, offset: number): number {
  const high = bytes.readUInt32LE(offset + 4);
  if (high > HIGH_WORD_MAX) throw new WireError('limit', 'a number in a batch is not below 2^53');
  return high * TWO_TO_32 + bytes.readUInt32LE(offset);
}
