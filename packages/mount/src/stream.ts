import type { ByteString } from '@k2hft/fuse';
import { BatchFlag, encodeAttributes } from '@k2hft/wire';
import type { CopyStream } from './copy-sink.js';
import { decodeFate, encodeFate, type LineFate } from './line-fate.js';
import type { PendingRows, RowReader } from './pending-rows.js';
import type { StreamRule } from './rules.js';
import { UnfinishedLine } from './unfinished-line.js';

/** What is settled about a stream when its file is opened. */
export interface StreamIdentity {
  readonly handle: number;
  readonly nodeId: number;
  /** Never used twice by one source within an epoch. */
  readonly stream: number;
  /** The file's path when it was opened: a rename later does not change where the lines belong. */
  readonly path: ByteString;
  /** The handle of the stream whose copies this one is made of; absent when a program writes it. */
  readonly copied?: number;
}

/**
 * The row of a stream that changes with every write. Little endian:
 *
 * ```
 *  0 f64 number of the last write that was taken
 *  8 f64 offset behind the last write
 * 16 f64 where the captured part of the file ends
 * 24 f64 when the unfinished line began, milliseconds since 1970
 * 32 u32 bytes that the last write was answered with
 * 36 u32 bytes of the unfinished line in rows of their own
 * 40 u32 process, 44 u32 user, 48 u32 group of the last writer
 * 52 u32 bit 0: the unfinished line is durable, as fsync(2) promised; from bit 1 on, the fate of the line under way
 * 56 .. the rest of the unfinished line
 * ```
 */
const ROW_FIXED_BYTES = 56;
const DURABLE = 1;
const FATE_SHIFT = 1;

/** What a write does to the unfinished line: source[start..end) is added to it, or stands in its place. */
export interface RestChange {
  readonly kind: 'grow' | 'replace';
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
}

/** One open file handle whose bytes are sent. */
export class Stream implements StreamIdentity {
  readonly handle: number;
  readonly nodeId: number;
  readonly stream: number;
  readonly path: ByteString;
  readonly copied?: number;
  readonly rest: UnfinishedLine;
  /** The stream as its copies know it; undefined when it is not copied. */
  readonly copyStream: CopyStream | undefined;
  /** The same for every batch of the stream, so it is encoded once. */
  readonly attributes: Buffer;
  /** Flags of every batch of the stream. */
  readonly batchFlags: number;
  lastUnique = 0;
  lastCount = 0;
  nextOffset = 0;
  capturedEnd = 0;
  restSinceMs = 0;
  pid = 0;
  uid = 0;
  gid = 0;
  restIsDurable = false;
  /** What becomes of the rest of a line whose beginning was sent or dropped already. */
  fate: LineFate = 'undecided';
  private row = Buffer.alloc(ROW_FIXED_BYTES);

  constructor(
    identity: StreamIdentity,
    readonly rule: StreamRule,
    host: string,
  ) {
    this.handle = identity.handle;
    this.nodeId = identity.nodeId;
    this.stream = identity.stream;
    this.path = identity.path;
    if (identity.copied !== undefined) this.copied = identity.copied;
    this.rest = new UnfinishedLine(`r${identity.handle}`);
    const { copy, delivery, settings } = rule;
    const { handle, path } = identity;
    this.copyStream = copy === undefined ? undefined : { rule: copy, path, handle };
    const isBinary = settings.send === 'binary';
    this.batchFlags = (isBinary ? BatchFlag.BINARY : 0) | (delivery === 'plugins' ? BatchFlag.LOCAL : 0);
    this.attributes = encodeAttributes({ path: Buffer.from(identity.path, 'latin1'), host });
  }

  /** Puts the row that is written with every change. `rewrite` also puts pieces that are stored already. */
  put(rows: PendingRows, rewrite = false): void {
    const remainder = this.rest.remainder();
    const length = ROW_FIXED_BYTES + remainder.length;
    if (this.row.length < length) this.row = Buffer.alloc(length * 2);
    const row = this.row;
    row.writeDoubleLE(this.lastUnique, 0);
    row.writeDoubleLE(this.nextOffset, 8);
    row.writeDoubleLE(this.capturedEnd, 16);
    row.writeDoubleLE(this.restSinceMs, 24);
    row.writeUInt32LE(this.lastCount, 32);
    row.writeUInt32LE(this.rest.pieceBytes(), 36);
    row.writeUInt32LE(this.pid, 40);
    row.writeUInt32LE(this.uid, 44);
    row.writeUInt32LE(this.gid, 48);
    row.writeUInt32LE((this.restIsDurable ? DURABLE : 0) | (encodeFate(this.fate) << FATE_SHIFT), 52);
    remainder.copy(row, ROW_FIXED_BYTES);
    this.rest.putPieces(rows, rewrite);
    rows.put(changingKey(this.handle), row.subarray(0, length));
  }

  /** Puts the row that is written once, when the file is opened. */
  putIdentity(rows: PendingRows): void {
    const { handle, nodeId, stream, path, copied } = this;
    rows.put(identityKey(handle), Buffer.from(JSON.stringify({ handle, nodeId, stream, path, copied })));
  }

  /** Changes the unfinished line; returns what changes it back, should the transaction fail. */
  takeRest(change: RestChange, nowMs: number): () => void {
    const { rest, restSinceMs, restIsDurable } = this;
    const lengthBefore = rest.length;
    if (change.kind === 'grow') {
      if (lengthBefore === 0) this.restSinceMs = nowMs;
      rest.append(change.source, change.start, change.end);
      return () => {
        rest.shorten(lengthBefore);
        this.restSinceMs = restSinceMs;
      };
    }
    const before = Buffer.from(rest.view());
    rest.clear();
    rest.append(change.source, change.start, change.end);
    this.restSinceMs = nowMs;
    return () => {
      rest.clear();
      rest.append(before, 0, before.length);
      this.restSinceMs = restSinceMs;
      this.restIsDurable = restIsDurable;
    };
  }

  delete(rows: PendingRows): void {
    this.rest.deletePieces(rows);
    rows.delete(changingKey(this.handle));
    rows.delete(identityKey(this.handle));
    rows.delete(durableKey(this.handle));
  }

  /** Takes over what an earlier worker left in the changing row, if there is one. */
  restore(stored: RowReader): void {
    const found = stored.row(changingKey(this.handle));
    if (found === undefined) return;
    const row = Buffer.from(found);
    this.lastUnique = row.readDoubleLE(0);
    this.nextOffset = row.readDoubleLE(8);
    this.capturedEnd = row.readDoubleLE(16);
    this.restSinceMs = row.readDoubleLE(24);
    this.lastCount = row.readUInt32LE(32);
    this.pid = row.readUInt32LE(40);
    this.uid = row.readUInt32LE(44);
    this.gid = row.readUInt32LE(48);
    const flags = row.readUInt32LE(52);
    this.restIsDurable = (flags & DURABLE) !== 0;
    this.fate = decodeFate(flags >>> FATE_SHIFT);
    this.rest.restore(stored, row.readUInt32LE(36), row.subarray(ROW_FIXED_BYTES));
  }
}

/** The streams that an earlier worker left open. */
export function* storedIdentities(stored: RowReader): Iterable<StreamIdentity> {
  for (const [, value] of stored.rows(IDENTITY_PREFIX)) {
    yield JSON.parse(Buffer.from(value).toString()) as StreamIdentity;
  }
}

const IDENTITY_PREFIX = 'o';

function identityKey(handle: number): string {
  return `${IDENTITY_PREFIX}${handle}`;
}

function changingKey(handle: number): string {
  return `s${handle}`;
}

/** The key under which the queue keeps an unfinished line durable. */
export function durableKey(handle: number): string {
  return `d${handle}`;
}
