import { printableName } from '@k2hft/config';
import { errnoOf, type ByteString } from '@k2hft/fuse';
import { CopyComplaints } from './copy-complaints.js';
import { CLAIM_MS, CopyFile, ShortAppend } from './copy-file.js';
import { storedCopyRecords, type CopyRecord } from './copy-ledger.js';
import type { CopyFileTarget, CopyOpener } from './copy-opener.js';
import { CopyError } from './copy-place.js';
import type { PendingRows, RowReader } from './pending-rows.js';

/** Beside the files of the mount, which have their own bound, far below what a process may open. */
const OPEN_MAX = 256;
/** Closing a quarter at once spreads the search for the least recently used over many openings. */
const CLOSED_AT_ONCE = OPEN_MAX / 4;
const RETRY_MS = 1000;

export interface CopyFilesOptions {
  readonly opener: CopyOpener;
  /** The rows that an earlier worker has left. */
  readonly stored: RowReader;
  /** Stores a row in a transaction of its own; false when there is no room. */
  store(key: string, value: Buffer): boolean;
  readonly complaints: CopyComplaints;
  nowMs(): number;
}

export interface CopyCounters {
  /** Since the worker started. */
  bytes: number;
  /** Could not be copied. */
  lostBytes: number;
}

interface Entry {
  readonly file: CopyFile;
  lastUse: number;
  failedAtMs: number | undefined;
}

/** The files that copies go to, a bounded number of them open. */
export class CopyFiles {
  readonly counters: CopyCounters = { bytes: 0, lostBytes: 0 };
  private readonly entries = new Map<ByteString, Entry>();
  private readonly touched = new Set<CopyFile>();
  private readonly records: Map<string, CopyRecord>;
  private readonly recordsUntilMs: number;
  private uses = 0;

  constructor(private readonly options: CopyFilesOptions) {
    this.records = storedCopyRecords(options.stored);
    this.recordsUntilMs = options.nowMs() + CLAIM_MS;
  }

  /** Appends, or counts what could not be appended; `copyTo` is the setting that complaints name. */
  append(copyTo: string, target: CopyFileTarget, bytes: Buffer, endsLines: boolean, rows: PendingRows): void {
    if (bytes.length === 0) return;
    const nowMs = this.options.nowMs();
    const path = target.kind === 'file' ? target.file : `${target.directory}/${target.names.join('/')}`;
    const entry = this.entry(path, target, rows);
    if (entry.failedAtMs !== undefined && nowMs - entry.failedAtMs < RETRY_MS) {
      this.lose(copyTo, bytes.length);
      return;
    }
    try {
      this.touched.add(entry.file);
      entry.file.append(bytes, endsLines, nowMs, rows);
      this.counters.bytes += bytes.length;
      if (entry.failedAtMs !== undefined) this.options.complaints.worksAgain(copyTo, path);
      entry.failedAtMs = undefined;
    } catch (error) {
      const takenBytes = error instanceof ShortAppend ? error.takenBytes : 0;
      const reason = reasonOf(error instanceof ShortAppend ? error.cause : error);
      this.counters.bytes += takenBytes;
      entry.failedAtMs = nowMs;
      this.options.complaints.fails(copyTo, path, reason);
      this.lose(copyTo, bytes.length - takenBytes);
    }
  }

  committed(): void {
    for (const file of this.touched) file.committed();
    this.touched.clear();
  }

  failed(rows: PendingRows): void {
    const nowMs = this.options.nowMs();
    for (const file of this.touched) file.failed(nowMs, rows);
    this.touched.clear();
  }

  /** What no longer comes again is forgotten. */
  tick(rows: PendingRows): void {
    const nowMs = this.options.nowMs();
    for (const { file } of this.entries.values()) file.giveUpOldClaim(nowMs);
    if (nowMs < this.recordsUntilMs) return;
    for (const key of this.records.keys()) rows.delete(key);
    this.records.clear();
  }

  /** At an orderly end: nothing will come again. */
  close(rows: PendingRows): void {
    for (const { file } of this.entries.values()) file.close(rows);
    for (const key of this.records.keys()) rows.delete(key);
    this.entries.clear();
  }

  private entry(path: ByteString, target: CopyFileTarget, rows: PendingRows): Entry {
    let entry = this.entries.get(path);
    if (entry === undefined) {
      if (this.entries.size >= OPEN_MAX) this.closeOldest(rows);
      entry = { file: this.makeFile(path, target), lastUse: 0, failedAtMs: undefined };
      this.entries.set(path, entry);
    }
    entry.lastUse = ++this.uses;
    return entry;
  }

  private makeFile(path: ByteString, target: CopyFileTarget): CopyFile {
    const { opener } = this.options;
    return new CopyFile(path, target, {
      open: (wanted) => opener.open(wanted),
      look: (wanted) => opener.look(wanted),
      openMoved: (wanted, identity) => opener.openMoved(wanted, identity),
      takeRecord: (key) => {
        const record = this.records.get(key);
        this.records.delete(key);
        return record;
      },
      store: (key, value) => this.options.store(key, value),
    });
  }

  private closeOldest(rows: PendingRows): void {
    const byUse = [...this.entries].sort(([, a], [, b]) => a.lastUse - b.lastUse);
    for (const [path, { file }] of byUse.slice(0, CLOSED_AT_ONCE)) {
      file.close(rows);
      this.touched.delete(file);
      this.entries.delete(path);
      this.options.complaints.forget(path);
    }
  }

  private lose(copyTo: string, bytes: number): void {
    this.counters.lostBytes += bytes;
    this.options.complaints.lost(copyTo, bytes);
  }
}

/** Throws what is no error of the system: that is a fault of ours. */
function reasonOf(error: unknown): string {
  if (error instanceof CopyError) return error.message;
  if (!(error instanceof Error) || errnoOf(error) === undefined) throw error;
  return printableName(error.message);
}
