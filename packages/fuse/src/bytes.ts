/**
 * Numbers of 64 bits as pairs of 32-bit words, without BigInt: what this driver meets fits into a double's 53 bits,
 * and what does not is refused.
 */
const WORD = 0x1_0000_0000;
/** The high word of the largest safe integer, 2^53 - 1. */
const HIGH_WORD_MAX = 0x1f_ffff;

/** The unsigned number at `at`, or undefined when it is 2^53 or more. */
export function readUint64(bytes: Buffer, at: number): number | undefined {
  const high = bytes.readUInt32LE(at + 4);
  return high > HIGH_WORD_MAX ? undefined : high * WORD + bytes.readUInt32LE(at);
}

/** The signed number at `at`; one outside of the safe integers is rounded. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at + 4) * WORD + bytes.readUInt32LE(at);
}

/** Writes an integer, negative ones in two's complement. */
export function writeInt64(target: Buffer, at: number, value: number): void {
  target.writeUInt32LE(value >>> 0, at);
  target.writeInt32LE(Math.floor(value / WORD) | 0, at + 4);
}

/** A number of 53 bits out of two words; bits above are dropped. */
export function joinWords(low: number, high: number): number {
  return (high & HIGH_WORD_MAX) * WORD + low;
}
