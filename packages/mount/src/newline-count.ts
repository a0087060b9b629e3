/**
 * Counting newlines is the one thing that the fast path does with every byte besides copying it. A loop in
 * JavaScript costs 0.7 s/GB or more; 128-bit vectors cost 0.03. So the count of all but small pieces is a
 * WebAssembly function of some thirty instructions; its text form stands in newline-count.wat beside this file, and a test
 * assembles that text and compares it with the bytes below.
 */
export const NEWLINE_COUNT_MODULE =
  'AGFzbQEAAAABBwFgAn9/AX8CDQEBawZtZW1vcnkCAAEDAgEABwkBBWNvdW50AAAKjQEBigECAn8Ce0EK/Q8hBQJAA0AgACABTw0BIABB8B9qIQMgAyABSwRAIAEhAwv9DAAAAAAAAAAAAAAAAAAAAAAhBANAIAQgAP0ABAAgBf0j/XEhBCAAQRBqIQAgACADSQ0ACyAE/X39fyEEIAIgBP0bACAE/RsBaiAE/RsCIAT9GwNqamohAgwACwsgAgs=';

/** Pieces are copied into the module's memory this many bytes at a time: they stay in the processor's cache. */
const WINDOW_BYTES = 256 * 1024;
/** The last vector of a piece may reach this far behind it. */
const VECTOR_BYTES = 16;
const PAGE_BYTES = 64 * 1024;
/** Below this, a plain loop is faster than the call. */
const SMALL_BYTES = 512;
const NEWLINE = 0x0a;

const memory = new WebAssembly.Memory({ initial: WINDOW_BYTES / PAGE_BYTES + 1 });
const window = Buffer.from(memory.buffer);
const instance = new WebAssembly.Instance(
  new WebAssembly.Module(Buffer.from(NEWLINE_COUNT_MODULE, 'base64')),
  {
    k: { memory },
  },
);
const countInMemory = instance.exports['count'] as (at: number, end: number) => number;

/** The number of newline bytes in bytes[start..end). */
export function countNewlines(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  if (end - start < SMALL_BYTES) {
    for (let at = start; at < end; at++) if (bytes[at] === NEWLINE) count++;
    return count;
  }
  for (let at = start; at < end; at += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES, end - at);
    bytes.copy(window, 0, at, at + length);
    window.fill(0, length, length + VECTOR_BYTES);
    count += countInMemory(0, length);
  }
  return count;
}
