import {
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DescriptorCache } from './handles-descriptors.js';

/**
 * How much of each file stays readable: what `tail -f` and `tail -n 100` look at, at a cost of disk that does not
 * grow with the number of bytes written.
 */
export const TAIL_BYTES = 65_536;

/** Few files are written at the same time; a ring that is not open costs two system calls more. */
const RINGS_OPEN_MAX = 512;

const FOLDER_MODE = 0o700;
const RING_MODE = 0o600;
const RING_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * The last bytes of files that are not kept whole: per file one ring, a plain file of at most TAIL_BYTES, so that it survives
 * the process. The byte at position p of the file is at p modulo TAIL_BYTES of its ring:
 *
 *     position in the file   ... |  65536 ..  70000 |
 *     place in the ring          |      0 ..   4464 | what was written at 4464 .. 65536 before |
 */
export class TailRings {
  private readonly descriptors = new DescriptorCache(RINGS_OPEN_MAX);

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  }

  /** Puts buffer[start..end), at most TAIL_BYTES, at `position` of the file. */
  write(id: number, position: number, buffer: Uint8Array, start: number, end: number): void {
    const fd = this.open(id);
    let at = start;
    while (at < end) {
      const place = (position + (at - start)) % TAIL_BYTES;
      at += writeSync(fd, buffer, at, Math.min(end - at, TAIL_BYTES - place), place);
    }
  }

  /** Fills target[start..end), at most TAIL_BYTES, from `position` of the file; what was never written is zero. */
  read(id: number, position: number, target: Uint8Array, start: number, end: number): void {
    const fd = this.open(id);
    let at = start;
    while (at < end) {
      const place = (position + (at - start)) % TAIL_BYTES;
      const piece = Math.min(end - at, TAIL_BYTES - place);
      const count = readSync(fd, target, at, piece, place);
      if (count === 0) target.fill(0, at, at + piece);
      at += count === 0 ? piece : count;
    }
  }

  /** A ring that cannot be removed now is swept by the next mount. */
  remove(id: number): void {
    try {
      this.descriptors.close(id);
      unlinkSync(this.path(id));
    } catch {
      // Most often there is none, as the file was never written.
    }
  }

  /** Removes the rings of files that are not known: the queue's rows do not survive everything that files do. */
  sweep(known: (id: number) => boolean): void {
    for (const name of readdirSync(this.folder)) {
      if (!known(Number(name))) rmSync(join(this.folder, name), { force: true, recursive: true });
    }
  }

  close(): void {
    this.descriptors.closeAll();
  }

  private path(id: number): string {
    return join(this.folder, String(id));
  }

  private open(id: number): number {
    return this.descriptors.get(id, () => openSync(this.path(id), RING_FLAGS, RING_MODE));
  }
}
