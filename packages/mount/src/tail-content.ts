import { TAIL_BYTES, type TailRings } from './tail-rings.js';

/** What is known of the bytes of a file of which only the tail is kept. */
export interface TailContent {
  readonly id: number;
  sizeBytes: number;
  /** The bytes from here to the end are in the file's ring; those before read as zero, like a hole. */
  keptFrom: number;
}

const ZEROS = new Uint8Array(TAIL_BYTES);

/**
 * Takes buffer[start..end) at `offset`, as write(2) would: a gap before it becomes zeros. Bytes before the kept tail are
 * dropped. The ring is for looking at, the bytes themselves are on their way elsewhere: when it cannot be written (a full
 * disk), what is there reads as zeros from then on, and the write goes through.
 */
export function writeTail(
  rings: TailRings,
  content: TailContent,
  offset: number,
  buffer: Uint8Array,
  start: number,
  end: number,
): void {
  if (start === end) return;
  if (offset > content.sizeBytes) resizeTail(rings, content, offset);
  const after = offset + (end - start);
  const sizeBytes = Math.max(content.sizeBytes, after);
  const windowStart = Math.max(0, sizeBytes - TAIL_BYTES);
  content.sizeBytes = sizeBytes;
  content.keptFrom = Math.max(content.keptFrom, windowStart);
  const from = Math.max(offset, content.keptFrom);
  if (from >= after) return;
  try {
    rings.write(content.id, from, buffer, start + (from - offset), end);
  } catch {
    content.keptFrom = sizeBytes;
  }
}

/** Cuts the file, or lengthens it with zeros. */
export function resizeTail(rings: TailRings, content: TailContent, sizeBytes: number): void {
  const before = content.sizeBytes;
  content.sizeBytes = sizeBytes;
  if (sizeBytes <= before) {
    // The ring's places of what is cut off held earlier bytes before: those do not come back.
    content.keptFrom = Math.min(content.keptFrom, sizeBytes);
    return;
  }
  if (sizeBytes - before >= TAIL_BYTES) {
    content.keptFrom = sizeBytes;
    return;
  }
  content.keptFrom = Math.max(content.keptFrom, sizeBytes - TAIL_BYTES);
  try {
    rings.write(content.id, before, ZEROS, 0, sizeBytes - before);
  } catch {
    content.keptFrom = sizeBytes;
  }
}

/** Fills `target` from `offset` on; returns fewer bytes only at the end of the file. */
export function readTail(rings: TailRings, content: TailContent, offset: number, target: Uint8Array): number {
  const length = Math.max(0, Math.min(target.length, content.sizeBytes - offset));
  const hole = Math.max(0, Math.min(length, content.keptFrom - offset));
  target.fill(0, 0, hole);
  if (length > hole) rings.read(content.id, offset + hole, target, hole, length);
  return length;
}
