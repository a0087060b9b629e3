import { closeSync, constants, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { pathBytes } from './overlay-paths.js';

/** Fills `target` from `offset` on; fewer bytes are returned only at the end of the file. */
export function readFully(fd: number, offset: number, target: Buffer): number {
  let filled = 0;
  while (filled < target.length) {
    const count = readSync(fd, target, filled, target.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Writes buffer[start..end) at `offset`; fewer bytes are taken only when the disk is full. */
export function writeFully(fd: number, offset: number, buffer: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end) {
    try {
      at += writeSync(fd, buffer, at, end - at, offset + (at - start));
    } catch (error) {
      // What was taken before the disk was full is written, and the next write will meet the error.
      if (at === start) throw error;
      break;
    }
  }
  return at - start;
}

export function syncDirectory(path: string): void {
  const fd = openSync(pathBytes(`${path}/.`), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
