import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { ByteString } from '@k2hft/fuse';
import type { RowReader } from './pending-rows.js';

const ROW_PREFIX = 'cf';
const LENGTH_BYTES = 8;

/** How long a file was when the last transaction that copied into it took place, and which file it was. */
export interface CopyRecord {
  readonly identity: string;
  readonly lengthBytes: number;
}

/**
 * The row of a file that copies go to, so that a worker finds out what its predecessor appended without a transaction:
 *
 *     cf<SHA-256 of its path, base64url>    f64 length, little endian, then JSON [path, identity]
 *
 * A file has a row from before its first byte on, as long as it is open here.
 */
export class CopyRow {
  readonly key: string;
  private readonly value: Buffer;

  constructor(path: ByteString, identity: string) {
    this.key = copyRowKey(path);
    const described = Buffer.from(JSON.stringify([path, identity]));
    this.value = Buffer.concat([Buffer.alloc(LENGTH_BYTES), described]);
  }

  /** Valid until the next call. */
  of(lengthBytes: number): Buffer {
    this.value.writeDoubleLE(lengthBytes);
    return this.value;
  }
}

export function copyRowKey(path: ByteString): string {
  return ROW_PREFIX + createHash('sha256').update(path, 'latin1').digest('base64url');
}

/** Says which file it is, whatever it is called: no later file with the same inode number was born at the same time. */
export function copyIdentity({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** What an earlier worker has left, by key. */
export function storedCopyRecords(stored: RowReader): Map<string, CopyRecord> {
  const records = new Map<string, CopyRecord>();
  for (const [key, value] of stored.rows(ROW_PREFIX)) {
    const bytes = Buffer.from(value);
    const [, identity] = JSON.parse(bytes.toString('utf8', LENGTH_BYTES)) as [string, string];
    records.set(key, { identity, lengthBytes: bytes.readDoubleLE(0) });
  }
  return records;
}
