import type { QueuedBatch } from './queue-source.js';

/**
 * The bytes of batches that travel together. A queue that copies what it reads into one piece of memory, one
 * behind the other, saves the copy here.
 */
export function messageOf(batches: readonly QueuedBatch[]): Buffer {
  const pieces = batches.map((batch) => batch.bytes);
  const [first] = pieces;
  if (first === undefined) return Buffer.of();
  let end = first.byteOffset;
  for (const piece of pieces) {
    if (piece.buffer !== first.buffer || piece.byteOffset !== end) return Buffer.concat(pieces);
    end += piece.length;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}
