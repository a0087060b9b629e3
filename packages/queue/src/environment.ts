import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requireDataFile, sizeOf } from './data-file.js';
import { diskSpace } from './disk-space.js';
import { errorCode, QueueError } from './errors.js';
import { OPEN_RESERVE_BYTES, WRITE_DEADLINE_MS } from './limits.js';
import { underWay } from './process-end.js';
import {
  acquireDatabase,
  releaseDatabase,
  type DatabaseUser,
  type NativeDatabase,
  type OpenMode,
} from './native-database.js';

/*
 * Together with native-database.ts all that knows LMDB. What it keeps away from the rest, found in the sources of
 * lmdb-js 3.5.6 and by trying:
 *
 * - A process that opens an environment writes the number of the last transaction into the shared lock table, as
 *   it has read it a moment before (mdb_env_open2; OpenLDAP's ITS#9496). What the writer committed in that moment
 *   is then forgotten: the next transaction builds on an older one, and takes pages that are in use. So each
 *   transaction here first compares its own number with the newest one in the file's header. When it is wrong,
 *   nothing is written, and the environment is opened anew, which puts the number right.
 * - A read outside of a write transaction takes a snapshot that is kept until the event loop turns, and makes a
 *   timer for that. A process that never gets back to its event loop would read an old snapshot for ever, or,
 *   with resetReadTxn(), leave one timer behind per read. Such a process therefore reads inside transact().
 * - The callback of a transaction must return nothing: a promise, such as put() returns, makes it asynchronous.
 * - With `overlappingSync` a promise resolves before the bytes are durable, and `flushed` never settles after a
 *   failed commit. Without it a promise resolves after fdatasync and rejects once. `eventTurnBatching` would add
 *   a promise of its own that nobody can catch.
 * - Values come in a buffer that is used again by the next read, and whose `length` was redefined.
 * - Opening maps the lock file: on a full disk that ends in SIGBUS. Opening what is no database frees memory twice.
 */

export interface Usage {
  /** Of the pages that hold something. */
  readonly usedBytes: number;
  /** Of the file; pages in it that hold nothing are used again before it grows. */
  readonly fileBytes: number;
  readonly entries: number;
}

export interface Change {
  readonly key: Uint8Array;
  /** undefined removes. It must not change until the write is done. */
  readonly value: Uint8Array | undefined;
}

export type Visit = (key: Uint8Array, value: Buffer) => boolean | undefined;

/** An ordinary synchronous write transaction: committed before the call returns. */
const SYNCHRONOUS_COMMIT = 2;

/** A reader that comes while the owner makes the files or takes them away finds them half done. */
const OPEN_TRIES_MAX = 5;
const OPEN_RETRY_MS = 2;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Openings by others that hit the same moment again and again would be a fault of another kind. */
const REWINDS_MAX = 10;

const LMDB_DAMAGE_CODES = new Set<string | number | undefined>([
  -30797, -30796, -30795, -30794, -30793, -30782, -30779,
]);

/** Another process that opened the environment has put the writer back to an older transaction. */
class Rewound extends Error {
  override readonly name = 'Rewound';
}

export class Environment implements DatabaseUser {
  private isClosed = false;
  /** Never lower than the number of the last transaction that this process has committed. */
  private lastTransaction = -1;

  private database: NativeDatabase;

  private constructor(
    readonly path: string,
    private readonly dataFile: string,
    private readonly mode: OpenMode,
  ) {
    this.database = acquireDatabase(path, dataFile, mode, this);
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /**
   * Opens for writing, and makes what is missing. `durable`: every write is on disk before it is told; else it
   * survives the death of every process, but not the loss of power. A path that ends in `.mdb` is a file, any
   * other a folder. Readers of the same path in this process are closed. Throws QueueError `no_room` or `damaged`.
   */
  static openWriter(path: string, options: { durable: boolean; mapBytes: number }): Environment {
    return Environment.open(path, { readOnly: false, ...options });
  }

  /**
   * Opens for reading while another process, or this one, writes. With the writer's `mapBytes` it need not be
   * mapped anew as it grows.
   */
  static openReader(path: string, mapBytes = 0): Environment {
    for (let tries = 1; ; tries++) {
      try {
        return Environment.open(path, { readOnly: true, durable: false, mapBytes });
      } catch (error) {
        if (!(error instanceof QueueError) || error.code !== 'io' || tries >= OPEN_TRIES_MAX) throw error;
        Atomics.wait(pause, 0, 0, OPEN_RETRY_MS);
      }
    }
  }

  private static open(path: string, mode: OpenMode): Environment {
    const dataFile = path.endsWith('.mdb') ? path : join(path, 'data.mdb');
    // LMDB makes an empty data file when it is unlinked while somebody opens it for reading.
    if (mode.readOnly && sizeOf(dataFile) === 0) {
      throw new QueueError('no_queue', `${dataFile} does not exist`);
    }
    mkdirSync(dirname(dataFile), { recursive: true, mode: 0o700 });
    requireRoomToOpen(dirname(dataFile));
    try {
      requireDataFile(dataFile);
      return new Environment(path, dataFile, mode);
    } catch (error) {
      // Its owner may have unlinked it in the middle of this.
      if (mode.readOnly && sizeOf(dataFile) === 0) throw new QueueError('no_queue', `${dataFile} is gone`);
      throw queueError(error, `cannot open ${path}`);
    }
  }

  /** One synchronous transaction: all that `run` puts and removes, or nothing when it throws. */
  transact(run: () => void): void {
    for (let rewinds = 0; ; rewinds++) {
      try {
        this.database.transactionSync(() => {
          const transaction = this.requireNewest();
          run();
          this.lastTransaction = transaction;
        }, SYNCHRONOUS_COMMIT);
        return;
      } catch (error) {
        if (!(error instanceof Rewound) || rewinds >= REWINDS_MAX)
          throw queueError(error, `cannot write ${this.path}`);
        this.reopen();
      }
    }
  }

  /** Inside transact() only. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.database.put(key, value);
  }

  /** Inside transact() only. */
  remove(key: Uint8Array): void {
    this.database.remove(key);
  }

  /** A copy of the value. */
  get(key: Uint8Array): Buffer | undefined {
    const value = this.database.getBinaryFast(key);
    return value === undefined ? undefined : Buffer.from(viewOf(value));
  }

  /**
   * Visits entries from `start` up to and without `end`, until `visit` returns false. The value is valid only during
   * the call, and only until anything else is read from any environment; the key is the visitor's own.
   */
  forEach(start: Uint8Array, end: Uint8Array, visit: Visit): void {
    const entries = this.database.getRange({ start, end }) as Iterable<{
      key: Uint8Array;
      value: Uint8Array;
    }>;
    for (const { key, value } of entries) if (visit(key, viewOf(value)) === false) return;
  }

  /** The largest key below `end` that is not below `start`. */
  lastKey(start: Uint8Array, end: Uint8Array): Uint8Array | undefined {
    // A reversed range starts at or below its start and ends above its end.
    const found = this.database.getRange({ start: end, end: start, reverse: true, limit: 1, values: false });
    for (const key of found as Iterable<Uint8Array>) return key;
    return undefined;
  }

  firstKey(start: Uint8Array, end: Uint8Array): Uint8Array | undefined {
    const found = this.database.getRange({ start, end, limit: 1, values: false });
    for (const key of found as Iterable<Uint8Array>) return key;
    return undefined;
  }

  /** Lets the snapshot go: the next read sees what is new, and the writer may use the pages again. */
  release(): void {
    if (!this.isClosed) this.database.resetReadTxn();
  }

  /** One transaction that is on disk when the promise resolves. Rejects with QueueError, then nothing has changed. */
  async write(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    for (let rewinds = 0; ; rewinds++) {
      try {
        await withDeadline(
          underWay(
            this.database.childTransaction(() => {
              this.apply(changes);
            }),
          ),
          `writing ${this.path} took longer than ${WRITE_DEADLINE_MS} ms`,
        );
        return;
      } catch (error) {
        const reason = await reasonOf(error);
        if (!(reason instanceof Rewound) || rewinds >= REWINDS_MAX) {
          throw queueError(reason, `cannot write ${this.path}`);
        }
        this.reopen();
      }
    }
  }

  /** Inside transact(), or in a process with an event loop. */
  usage(): Usage {
    if (this.mode.readOnly) this.database.ensureReadTxn();
    const stat = this.database.db.stat();
    const pages = stat.overflowPages + stat.treeLeafPageCount + stat.treeBranchPageCount;
    const fileBytes = (this.database.env.info().lastPageNumber + 1) * stat.pageSize;
    return { usedBytes: pages * stat.pageSize, fileBytes, entries: stat.entryCount };
  }

  /** A killed reader's slot would keep all pages that were freed since from being used. */
  clearDeadReaders(): void {
    this.database.readerCheck();
  }

  /** Resolves when nothing of it is in use any more; without writes under way that is at once. */
  close(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.isClosed = true;
    return releaseDatabase(this.path, this.database, this);
  }

  displaced(): void {
    this.isClosed = true;
  }

  private apply(changes: readonly Change[]): void {
    const transaction = this.requireNewest();
    for (const { key, value } of changes) {
      if (value === undefined) this.database.remove(key);
      else this.database.put(key, value);
    }
    this.lastTransaction = transaction;
  }

  /**
   * The number of the transaction under way, which must follow the newest one in the file. `lastTransaction` saves
   * looking: it may be too high, when its transaction turned out to be empty, but then the numbers differ, and the
   * file is asked. It is never too low, so a number that was put back never passes.
   */
  private requireNewest(): number {
    const transaction = this.database.getWriteTxnId();
    if (transaction === this.lastTransaction + 1) return transaction;
    if (transaction !== this.database.env.info().lastTxnId + 1)
      throw new Rewound('the last transaction is lost');
    return transaction;
  }

  private reopen(): void {
    requireRoomToOpen(dirname(this.dataFile));
    requireDataFile(this.dataFile);
    this.lastTransaction = -1;
    try {
      this.database = acquireDatabase(this.path, this.dataFile, this.mode, this);
      this.isClosed = false;
    } catch (error) {
      throw queueError(error, `cannot open ${this.path}`);
    }
  }
}

function requireRoomToOpen(folder: string): void {
  if (diskSpace(folder).availableBytes >= OPEN_RESERVE_BYTES) return;
  throw new QueueError(
    'no_room',
    `less than ${OPEN_RESERVE_BYTES} bytes are free in ${folder}: make room on this disk`,
  );
}

function viewOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.length);
}

async function withDeadline<T>(promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new QueueError('store_failed', message));
    }, WRITE_DEADLINE_MS);
  });
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long the reason of a failed commit may take to come after its rejection. */
const REASON_MS = 1000;

/** A failed commit hides its reason in a promise of its own, which would else be reported as unhandled. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (typeof error !== 'object' || error === null || !('commitError' in error)) return error;
  const { commitError } = error;
  if (!(commitError instanceof Promise)) return error;
  const reason = commitError.then(
    () => error,
    (rejected: unknown) => rejected,
  );
  return Promise.race([
    reason,
    new Promise<unknown>((resolve) => setTimeout(resolve, REASON_MS, error).unref()),
  ]);
}

function queueError(error: unknown, what: string): Error {
  if (error instanceof QueueError) return error;
  const code = errorCode(error);
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  if (LMDB_DAMAGE_CODES.has(code)) return new QueueError('damaged', message, { cause: error });
  // The binding reports a full disk as EIO (5).
  if (code === 28 || code === 'ENOSPC') return new QueueError('no_space', message, { cause: error });
  return new QueueError('io', message, { cause: error });
}
