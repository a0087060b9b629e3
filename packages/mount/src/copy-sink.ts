import type { RuleSettings } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import type { PendingRows } from './pending-rows.js';

/** What of a stream decides where its copy goes. */
export interface CopyStream {
  readonly rule: RuleSettings;
  /** The file's path when it was opened. */
  readonly path: ByteString;
  readonly handle: number;
}

/**
 * Where `copy_to` goes. Capture calls it for streams whose rule has `copy_to` only, within one request: any number of
 * append(), perhaps ends(), then exactly one of committed() and failed().
 */
export interface CopySink {
  /** A stream begins; nothing of it is copied yet. */
  opened(stream: CopyStream): void;
  /** An earlier worker has left a stream that a copy of `copied` is written to. */
  restoredStage(stage: number, copied: number): void;
  /** The handle of the stream that copies of this one go to, when they go to a path of the mount. */
  stageOf(handle: number): number | undefined;
  /**
   * Called before the queue's transaction with exactly what is copied: with `copy_what: written` the bytes of the
   * write as given, whatever lines they make; with `filtered` what filter and rewrite leave, lines whole where
   * they are not longer than `max_record`. The bytes are valid until this returns. It never throws for I/O errors:
   * it logs and counts them. Rows that it puts (keys that begin with `c`, but not `c` itself) are written in the same
   * transaction.
   */
  append(stream: CopyStream, bytes: Buffer, rows: PendingRows): void;
  /** The stream ends with this transaction. */
  ends(stream: CopyStream): void;
  /**
   * The transaction did not take place. What was appended since the last committed() comes again with the same
   * bytes, or never; it must not be doubled.
   */
  failed(rows: PendingRows): void;
  /** The transaction, and with it the rows, took place. */
  committed(): void;
}

/**
 * What capture does for copies that go to paths of the mount, within the transaction of the write that they copy: either
 * all of it takes place, or nothing.
 */
export interface CopyStages {
  /** Starts a stream for the copies of another one; returns its handle. */
  openStage(copied: number, path: ByteString): number;
  writeStage(stage: number, copied: number, bytes: Buffer): void;
  endStage(stage: number): void;
}
