import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  futimesSync,
  read,
  statfsSync,
  write,
  type Stats,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { fileIdentity } from './file-identity.js';
import type { OpenDirectory } from './open-directory.js';

const fsyncAsync = promisify(fsync);
const readAsync = promisify(read);
const writeAsync = promisify(write);

/** Large enough that the event loop has little to do with it: 4 chunks per MiB. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Room that is left to the output files while one is compressed: this share of the file system, but no more than so many
 * bytes. Lines that arrive are worth more than small files.
 */
const RESERVE_SHARE = 1 / 20;
const RESERVE_BYTES_MAX = 64 * 1024 * 1024;

/** There is too little room to compress. */
class NoRoomToCompress extends Error {
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
    await copyCompressed(directory, source, target, signal);
    takeOver(stats, target);
    await fsyncAsync(target);
  } finally {
    closeSync(target);
  }
}

/**
 * Streams of node:fs would close the descriptors when something fails, whoever owns them. Settles when no call on them is
 * under way, so that the caller may close them.
 */
async function copyCompressed(
  directory: OpenDirectory,
  source: number,
  target: number,
  signal: AbortSignal,
): Promise<void> {
  const calls = new Set<Promise<unknown>>();
  const call = async <T>(promise: Promise<T>): Promise<T> => {
    calls.add(promise);
    try {
      return await promise;
    } finally {
      calls.delete(promise);
    }
  };
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; ;) {
      const { bytesRead, buffer } = await call(
        readAsync(source, Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at),
      );
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
  async function save(compressed: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of compressed) {
      checkRoom(directory);
      for (let at = 0; at < chunk.length;) at += (await call(writeAsync(target, chunk, at))).bytesWritten;
    }
  }
  try {
    await pipeline(chunks, createGzip({ chunkSize: CHUNK_BYTES }), save, { signal });
  } finally {
    await Promise.allSettled(calls);
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
