import { closeSync, fstatSync, readSync, writeSync, type BigIntStats } from 'node:fs';
import type { ByteString } from '@k2hft/fuse';
import { copyIdentity, CopyRow, copyRowKey, type CopyRecord } from './copy-ledger.js';
import type { CopyFileTarget, OpenedCopy } from './copy-opener.js';
import type { PendingRows } from './pending-rows.js';

/** A file that was renamed or removed is found out after this long at most; so rarely that looking costs nothing. */
const LOOK_MS = 100;
const NEWLINE = 0x0a;
const NEWLINE_BYTES = Buffer.from('\n');

/** What a copy file needs of its surroundings. */
export interface CopyFileHost {
  open(target: CopyFileTarget): OpenedCopy;
  look(target: CopyFileTarget): BigIntStats | undefined;
  /** Opens the file that was recorded, if it stands under another name in the same directory now. */
  openMoved(target: CopyFileTarget, identity: string): OpenedCopy | undefined;
  /** What an earlier worker has recorded of the file; only asked once for each. */
  takeRecord(key: string): CopyRecord | undefined;
  /** Stores a row in a transaction of its own. Returns false when there is no room for it. */
  store(key: string, value: Buffer): boolean;
}

/** What comes again after a worker's death comes at once, or when a program's `max_wait` is over. */
export const CLAIM_MS = 60_000;

/** Bytes of the file, from here to before there. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** An open file. The length is that after the last append of ours. */
interface Open {
  readonly fd: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly row: CopyRow;
  lookedAtMs: number;
  lengthBytes: number;
  /** The length that a worker after this one would find recorded. */
  recordedBytes: number;
  /** What the present transaction has appended, or found appended. */
  uncommitted: Range | undefined;
  /** From a transaction that did not take place: may be the beginning of what is appended next. */
  claim: Range | undefined;
  claimedAtMs: number;
}

/**
 * A file that is appended to. Each byte comes once, although a worker may die, or a transaction fail, between the
 * append and the transaction that says so: then the same bytes come again, and are found behind the recorded length.
 * Only bytes that are equal are ever taken for ours, and nothing is ever cut off: others may append as well.
 */
export class CopyFile {
  private opened: Open | undefined;
  /** The last append was cut short: what comes next begins a line of its own. */
  private isTorn = false;

  constructor(
    readonly path: ByteString,
    private readonly target: CopyFileTarget,
    private readonly host: CopyFileHost,
  ) {}

  /**
   * Appends what is not there yet. With `endsLines`, a line that an error has cut short is ended first. Throws the system's error or CopyError, or
   * ShortAppend when some of the bytes are there all the same.
   */
  append(bytes: Buffer, endsLines: boolean, nowMs: number, rows: PendingRows): void {
    const file = this.current(nowMs, rows);
    const found = this.claimed(file, bytes);
    if (found === undefined) this.noteOthers(file);
    let at = found === undefined ? 0 : found.to - found.from;
    try {
      if (this.isTorn && endsLines && at < bytes.length) this.endTornLine(file);
      this.isTorn = false;
      while (at < bytes.length) at += writeSync(file.fd, bytes, at, bytes.length - at);
    } catch (error) {
      this.isTorn = at > 0 && bytes[at - 1] !== NEWLINE;
      throw new ShortAppend(error, at);
    } finally {
      const size = (file.lengthBytes = fstatSync(file.fd).size);
      const wasThere = found !== undefined && found.to - found.from === at;
      const { from, to } = wasThere ? found : { from: Math.max(0, size - at), to: size };
      file.uncommitted = { from: file.uncommitted?.from ?? from, to };
      rows.put(file.row.key, file.row.of(size));
    }
  }

  committed(): void {
    if (this.opened === undefined) return;
    this.opened.uncommitted = undefined;
    this.opened.recordedBytes = this.opened.lengthBytes;
  }

  failed(nowMs: number, rows: PendingRows): void {
    const file = this.opened;
    if (file?.uncommitted === undefined) return;
    file.claim = file.uncommitted;
    file.claimedAtMs = nowMs;
    file.uncommitted = undefined;
    rows.changes.delete(file.row.key);
  }

  /** What was claimed and did not come belongs to nobody: equal bytes that come later are others. */
  giveUpOldClaim(nowMs: number): void {
    const file = this.opened;
    if (file !== undefined && nowMs - file.claimedAtMs >= CLAIM_MS) file.claim = undefined;
  }

  close(rows: PendingRows): void {
    if (this.opened === undefined) return;
    rows.delete(this.opened.row.key);
    this.abandon();
  }

  private abandon(): void {
    if (this.opened === undefined) return;
    closeSync(this.opened.fd);
    this.opened = undefined;
  }

  /** The file that stands at the path now, as far as was looked lately. */
  private current(nowMs: number, rows: PendingRows): Open {
    const before = this.opened;
    if (before !== undefined && nowMs - before.lookedAtMs < LOOK_MS) return before;
    if (before !== undefined) {
      const stat = this.host.look(this.target);
      if (stat?.ino === before.ino && stat.dev === before.dev) {
        before.lookedAtMs = nowMs;
        return before;
      }
      this.abandon();
    }
    return (this.opened = this.open(nowMs, rows));
  }

  private open(nowMs: number, rows: PendingRows): Open {
    const record = this.host.takeRecord(copyRowKey(this.path));
    const { fd, stat } = this.recordedFile(record) ?? this.host.open(this.target);
    const identity = copyIdentity(stat);
    const row = new CopyRow(this.path, identity);
    const lengthBytes = Number(stat.size);
    const isLonger = record?.identity === identity && record.lengthBytes < lengthBytes;
    const claim = isLonger ? { from: record.lengthBytes, to: lengthBytes } : undefined;
    // Without room for the row the copy goes on: only should the worker die now may bytes come twice.
    if (claim === undefined) this.host.store(row.key, row.of(lengthBytes));
    // An earlier closing may have left its deletion for the next transaction.
    rows.changes.delete(row.key);
    const { dev, ino } = stat;
    const lately = { lookedAtMs: nowMs, claimedAtMs: nowMs };
    const recordedBytes = claim?.from ?? lengthBytes;
    return { fd, dev, ino, row, ...lately, lengthBytes, recordedBytes, uncommitted: undefined, claim };
  }

  /**
   * The file that an earlier worker may have appended to without a transaction, when it was renamed since. It is left for
   * the new one as a file is that is renamed while it is open: when it is looked at the next time.
   */
  private recordedFile(record: CopyRecord | undefined): OpenedCopy | undefined {
    if (record === undefined) return undefined;
    const present = this.host.look(this.target);
    if (present !== undefined && copyIdentity(present) === record.identity) return undefined;
    const moved = this.host.openMoved(this.target, record.identity);
    if (moved === undefined || Number(moved.stat.size) > record.lengthBytes) return moved;
    closeSync(moved.fd);
    return undefined;
  }

  /** Others have appended, or cut the file: what comes next must be found where it begins. */
  private noteOthers(file: Open): void {
    if (file.uncommitted !== undefined) return;
    const { size } = fstatSync(file.fd);
    if (size === file.recordedBytes) return;
    this.host.store(file.row.key, file.row.of(size));
    file.recordedBytes = size;
  }

  /** What of the beginning of `bytes` is in the file already. */
  private claimed(file: Open, bytes: Buffer): Range | undefined {
    const { claim } = file;
    if (claim === undefined) return undefined;
    const present = Buffer.allocUnsafe(Math.min(claim.to - claim.from, bytes.length));
    const count = readSync(file.fd, present, 0, present.length, claim.from);
    if (count < present.length || !present.equals(bytes.subarray(0, count))) return undefined;
    // A part of a line is only good if it can be continued.
    if (count < bytes.length && fstatSync(file.fd).size !== claim.to) return undefined;
    const found = { from: claim.from, to: claim.from + count };
    file.claim = found.to === claim.to ? undefined : { from: found.to, to: claim.to };
    return found;
  }

  private endTornLine(file: Open): void {
    const last = Buffer.alloc(1);
    const { size } = fstatSync(file.fd);
    if (size === 0 || (readSync(file.fd, last, 0, 1, size - 1) === 1 && last[0] === NEWLINE)) return;
    writeSync(file.fd, NEWLINE_BYTES);
  }
}

/** An append that was cut short by an error. */
export class ShortAppend extends Error {
  constructor(
    override readonly cause: unknown,
    readonly takenBytes: number,
  ) {
    super('an append was cut short');
    this.name = 'ShortAppend';
  }
}
