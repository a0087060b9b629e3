import { closeSync, openSync, writeSync } from 'node:fs';

/** Digits of the number that each line begins with, so that a lost, doubled or swapped line shows. */
export const NUMBER_DIGITS = 9;
const ZERO = 0x30;
const NINE = 0x39;
const NEWLINE = 0x0a;
const BLOCK_BYTES = 1 << 20;

/** Line number `number`, of `lineBytes` bytes: the number, letters, a newline. */
export function makeLine(lineBytes: number, number: number): Buffer {
  const line = Buffer.alloc(lineBytes, 'abcdefghijklmnopqrstuvwxyz ');
  line.write(String(number).padStart(NUMBER_DIGITS, '0'), 0, 'latin1');
  line[lineBytes - 1] = NEWLINE;
  return line;
}

/** Turns the line at `offset` into the next one, in place: about one byte changes per call. */
export function countUp(bytes: Buffer, offset: number): void {
  for (let place = offset + NUMBER_DIGITS - 1; place >= offset; place -= 1) {
    const digit = bytes[place] ?? ZERO;
    if (digit !== NINE) {
      bytes[place] = digit + 1;
      return;
    }
    bytes[place] = ZERO;
  }
}

/** Writes a file of `count` numbered lines, beginning with 0. Returns its size in bytes. */
export function makeLinesFile(file: string, lineBytes: number, count: number): number {
  const perBlock = Math.max(1, Math.floor(BLOCK_BYTES / lineBytes));
  const block = Buffer.alloc(perBlock * lineBytes);
  const line = makeLine(lineBytes, 0);
  const output = openSync(file, 'w');
  try {
    for (let done = 0; done < count; done += perBlock) {
      const lines = Math.min(perBlock, count - done);
      for (let place = 0; place < lines; place += 1) {
        line.copy(block, place * lineBytes);
        countUp(line, 0);
      }
      writeAll(output, block, lines * lineBytes);
    }
  } finally {
    closeSync(output);
  }
  return count * lineBytes;
}

function writeAll(file: number, bytes: Buffer, length: number): void {
  let written = 0;
  while (written < length) written += writeSync(file, bytes, written, length - written);
}
