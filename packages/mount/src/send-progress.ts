import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { ByteString } from '@k2hft/fuse';
import type { LineBegun } from './send-cut.js';

/** How far a file is sent; a row of the ledger of the queue, written in one transaction with what was read. */
export interface FileProgress {
  readonly path: ByteString;
  /** Of the next byte to be read. */
  readonly offset: number;
  readonly stream: number;
  readonly begun: LineBegun;
  /** Digest of the bytes before the offset: another one says that the file is not the one that was sent. */
  readonly digest: string;
}

/** So many bytes before the offset are compared. */
export const DIGEST_BYTES = 4096;

const STREAM_COUNTER = 'c';

/**
 * The key of a file's progress. A file is the same under every name that it gets later: it is known by its inode
 * and the time of its birth, or where there is none, by its device. A path that was chosen for it is part of the
 * key: under another one it is sent anew.
 */
export function progressKey({ ino, dev, birthtimeNs }: BigIntStats, chosenPath?: ByteString): string {
  const identity = birthtimeNs > 0n ? `f${ino}:${birthtimeNs}` : `f${ino}@${dev}`;
  return chosenPath === undefined ? identity : `${identity}:${digestOf(Buffer.from(chosenPath, 'latin1'))}`;
}

export function encodeProgress({ path, offset, stream, begun, digest }: FileProgress): Buffer {
  return Buffer.from(JSON.stringify({ path, offset, stream, begun, digest }));
}

/** What cannot be understood counts as never sent. */
export function decodeProgress(row: Buffer | undefined): FileProgress | undefined {
  if (row === undefined) return undefined;
  const value = JSON.parse(row.toString()) as Partial<FileProgress>;
  const { path, offset, stream, begun, digest } = value;
  if (path === undefined || offset === undefined || stream === undefined) return undefined;
  return { path, offset, stream, begun: begun ?? 'none', digest: digest ?? '' };
}

export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

/** Far more files than one call sends, and 2 million epochs fit into a number. */
const STREAMS_PER_EPOCH = 2 ** 32;

/** Gives out the numbers of streams, each once. */
export class StreamNumbers {
  private last: number;

  constructor(ledger: ReadonlyMap<string, Buffer>, epoch: number) {
    const stored = Number(ledger.get(STREAM_COUNTER)?.toString() ?? 0);
    // Should the ledger be lost with its file, the streams are others all the same.
    this.last = Math.max(stored, epoch * STREAMS_PER_EPOCH);
  }

  /** The row has to be written with the first batch of the stream. */
  next(): { stream: number; row: readonly [key: string, value: Buffer] } {
    this.last++;
    return { stream: this.last, row: [STREAM_COUNTER, Buffer.from(String(this.last))] };
  }
}
