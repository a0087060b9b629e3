import type { ByteString } from '@k2hft/fuse';
import { Drops } from './drops.js';

/** How many paths are counted one by one; what is written to further ones is counted together. */
const PATHS_MAX = 1000;
const OTHERS = '(others)';

/** What status shows of the capturing side. Counted since the worker started. */
export class CaptureCounters {
  overwrites = 0;
  /** Pieces of lines that were longer than max_record. */
  pieces = 0;
  /** Lines that rules do not send, and what a full queue does not take. */
  readonly drops = new Drops();
  /** Tests of patterns that took too long and were answered so that the line is kept. */
  undecided = 0;
  writes = 0;
  bytes = 0;
  private readonly bytesByPath = new Map<ByteString, number>();

  wrote(path: ByteString, bytes: number, overwrites: boolean): void {
    this.writes++;
    this.bytes += bytes;
    if (overwrites) this.overwrites++;
    const known = this.bytesByPath.get(path);
    if (known !== undefined || this.bytesByPath.size < PATHS_MAX) {
      this.bytesByPath.set(path, (known ?? 0) + bytes);
    } else {
      this.bytesByPath.set(OTHERS, (this.bytesByPath.get(OTHERS) ?? 0) + bytes);
    }
  }

  /** Bytes by path since the last call, and since the start. */
  paths(): ReadonlyMap<ByteString, number> {
    return this.bytesByPath;
  }
}
