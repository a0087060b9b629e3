import {
  closeSync,
  createReadStream,
  createWriteStream,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  futimesSync,
  statfsSync,
  type Stats,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { fileIdentity } from './file-identity.js';
import type { OpenDirectory } from './open-directory.js';

const fsyncAsync = promisify(fsync);

/** Large enough that the event loop has little to do with it: 4 chunks per MiB. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Room that is left to the output files while one is compressed: this share of the file system, but no more than so many
 * bytes. Lines that arrive are worth more than small files.
 */
const RESERVE_SHARE = 1 / 20;
const RESERVE_BYTES_MAX = 64 * 1024 * 1024;

/** There is too little room to compress. */
export class NoRoomToCompress extends Error {
  override readonly name = 'NoRoomToCompress';
}

export interface CompressOptions {
  signal: AbortSignal;
  /** Whether the server writes this file under that name: then it is not a rotated one, and stays as it is. */
  isOutput: (identity: string, segment: string) => boolean;
}

/**
 * Puts `<segment>.gz` in the place of `segment`, with its mode, owner and time. Killed at any moment, it leaves one of both
 * or both, whole, and is begun again. Rejects with the system's error or {@link NoRoomToCompress}; the file is as it
 * was then. Compression runs outside of the event loop.
 */
export async function compressFile(
  directory: OpenDirectory,
  segment: string,
  options: CompressOptions,
): Promise<void> {
  const source = directory.openToRead(segment);
  try {
    const before = fstatSync(source, { bigint: true });
    const isUntouched = (): boolean => {
      const { size } = fstatSync(source, { bigint: true });
      const atName = directory.stat(segment);
      const identity = fileIdentity(before);
      if (atName === undefined || fileIdentity(atName) !== identity) return false;
      return size === before.size && !options.isOutput(identity, segment);
    };
    const compressed = directory.stat(`${segment}.gz`);
    if (compressed !== undefined && options.isOutput(fileIdentity(compressed), `${segment}.gz`)) return;
    if (!before.isFile() || !isUntouched()) return;
    const partial = `${segment}.gz.partial`;
    try {
      await writeCompressed(directory, source, partial, options.signal);
      if (!isUntouched()) return;
      directory.rename(partial, `${segment}.gz`);
    } finally {
      directory.unlink(partial);
    }
    await directory.sync();
    directory.unlink(isUntouched() ? segment : `${segment}.gz`);
  } finally {
    closeSync(source);
  }
}

async function writeCompressed(
  directory: OpenDirectory,
  source: number,
  partial: string,
  signal: AbortSignal,
): Promise<void> {
  const stats = fstatSync(source);
  directory.unlink(partial);
  const target = directory.create(partial, 0o600);
  try {
    await pipeline(
      createReadStream('', { fd: source, start: 0, autoClose: false, highWaterMark: CHUNK_BYTES }),
      createGzip({ chunkSize: CHUNK_BYTES }),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          checkRoom(directory);
          yield chunk;
        }
      },
      createWriteStream('', { fd: target, autoClose: false }),
      { signal },
    );
    takeOver(stats, target);
    await fsyncAsync(target);
  } finally {
    closeSync(target);
  }
}

function checkRoom(directory: OpenDirectory): void {
  const { bavail, blocks, bsize } = statfsSync(`/proc/self/fd/${directory.fd}`);
  const reserveBytes = Math.min(RESERVE_BYTES_MAX, blocks * bsize * RESERVE_SHARE);
  if (bavail * bsize >= reserveBytes) return;
  throw new NoRoomToCompress(
    `only ${bavail * bsize} bytes are free, and ${Math.ceil(reserveBytes)} are left free`,
  );
}

/** Only root may give files away; everybody else's belong to who compresses. */
function takeOver({ mode, uid, gid, atime, mtime }: Stats, target: number): void {
  try {
    fchownSync(target, uid, gid);
  } catch {
    // The mode below is then that of a file of our own.
  }
  fchmodSync(target, mode & 0o7777);
  futimesSync(target, atime, mtime);
}
