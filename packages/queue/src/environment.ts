import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open } from 'lmdb';
import { diskSpace } from './disk-space.js';
import { errorCode, QueueError } from './errors.js';
import { OPEN_RESERVE_BYTES, READERS_MAX, WRITE_DEADLINE_MS } from './limits.js';

/*
 * The only file that knows LMDB. What it keeps away from the rest, found in the sources of lmdb-js 3.5.6:
 *
 * - A read outside of a write transaction takes a snapshot that is kept until the event loop turns, and makes a
 *   timer for that. A process that never gets back to its event loop would read an old snapshot for ever, or,
 *   with resetReadTxn(), leave one timer behind per read. Such a process therefore reads inside transact().
 * - The callback of a transaction must return nothing: a promise, such as put() returns, makes it asynchronous.
 * - With `overlappingSync` a promise resolves before the bytes are durable, and `flushed` never settles after a
 *   failed commit. Without it a promise resolves after fdatasync and rejects once. `eventTurnBatching` would add
 *   a promise of its own that nobody can catch.
 * - Values come in a buffer that is used again by the next read, and whose `length` was redefined.
 * - Opening maps the lock file: on a full disk that ends in SIGBUS, as does a data file shorter than it claims.
 */

/** What is used of lmdb-js's object, most of which its own types leave out. */
interface NativeDatabase {
  readonly env: { info(): { lastPageNumber: number } };
  readonly db: {
    stat(): {
      pageSize: number;
      entryCount: number;
      overflowPages: number;
      treeLeafPageCount: number;
      treeBranchPageCount: number;
    };
  };
  getBinaryFast(key: Uint8Array): Uint8Array | undefined;
  getRange(options: {
    start: Uint8Array;
    end: Uint8Array;
    reverse?: boolean;
    limit?: number;
    values?: boolean;
  }): Iterable<unknown>;
  put(key: Uint8Array, value: Uint8Array): unknown;
  remove(key: Uint8Array): unknown;
  batch(write: () => void): Promise<boolean>;
  transactionSync(run: () => void, flags: number): void;
  ensureReadTxn(): void;
  resetReadTxn(): void;
  readerCheck(): number;
  close(): Promise<void>;
}

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

const LMDB_DAMAGE_CODES = new Set<string | number | undefined>([
  -30797, -30796, -30795, -30794, -30793, -30782, -30779,
]);

/** Read-only environments of this process by path: a writer must be opened first, so they give way to it. */
const readersHere = new Map<string, Set<Environment>>();

const asIs = { encode: (value: Uint8Array) => value, decode: (value: Uint8Array) => value };

export class Environment {
  private constructor(
    private readonly database: NativeDatabase,
    readonly path: string,
    private readonly dataFile: string,
    private readonly readOnly: boolean,
  ) {}

  private isClosed = false;

  get closed(): boolean {
    return this.isClosed;
  }

  /**
   * Opens for writing, and makes what is missing. `durable`: every write is on disk before it is told; else it
   * survives the death of every process, but not the loss of power. A path that ends in `.mdb` is a file, any
   * other a folder. Throws QueueError `no_room` or `damaged`.
   */
  static openWriter(path: string, options: { durable: boolean; mapBytes: number }): Environment {
    for (const reader of readersHere.get(path) ?? []) void reader.close();
    return Environment.open(path, false, { noSync: !options.durable, mapSize: options.mapBytes });
  }

  /** Opens for reading while another process, or this one, writes. */
  static openReader(path: string): Environment {
    const environment = Environment.open(path, true, { readOnly: true });
    const readers = readersHere.get(path) ?? new Set();
    readersHere.set(path, readers.add(environment));
    return environment;
  }

  private static open(path: string, readOnly: boolean, options: Record<string, unknown>): Environment {
    const dataFile = path.endsWith('.mdb') ? path : join(path, 'data.mdb');
    if (readOnly && !existsSync(dataFile)) throw new QueueError('no_queue', `${dataFile} does not exist`);
    mkdirSync(dirname(dataFile), { recursive: true, mode: 0o700 });
    requireRoomToOpen(dirname(dataFile));
    try {
      const database = open({
        path,
        noSubdir: path.endsWith('.mdb'),
        encoding: 'binary',
        keyEncoding: 'binary',
        cache: false,
        maxReaders: READERS_MAX,
        maxDbs: 1,
        overlappingSync: false,
        eventTurnBatching: false,
        encoder: asIs,
        ...options,
      }) as unknown as NativeDatabase;
      const environment = new Environment(database, path, dataFile, readOnly);
      environment.requireWholeFile();
      return environment;
    } catch (error) {
      throw queueError(error, `cannot open ${path}`);
    }
  }

  /** One synchronous transaction: all that `run` puts and removes, or nothing when it throws. */
  transact(run: () => void): void {
    try {
      this.database.transactionSync(() => {
        run();
      }, SYNCHRONOUS_COMMIT);
    } catch (error) {
      throw queueError(error, `cannot write ${this.path}`);
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

  *keys(start: Uint8Array, end: Uint8Array): Generator<Uint8Array> {
    yield* this.database.getRange({ start, end, values: false }) as Iterable<Uint8Array>;
  }

  /** The largest key below `end` that is not below `start`. */
  lastKey(start: Uint8Array, end: Uint8Array): Uint8Array | undefined {
    // A reversed range starts at or below its start and ends above its end.
    const found = this.database.getRange({ start: end, end: start, reverse: true, limit: 1, values: false });
    for (const key of found as Iterable<Uint8Array>) return key;
    return undefined;
  }

  firstKey(start: Uint8Array, end: Uint8Array): Uint8Array | undefined {
    for (const key of this.database.getRange({ start, end, limit: 1, values: false }) as Iterable<Uint8Array>)
      return key;
    return undefined;
  }

  /** Lets the snapshot go: the next read sees what is new, and the writer may use the pages again. */
  release(): void {
    if (!this.isClosed) this.database.resetReadTxn();
  }

  /** One transaction that is on disk when the promise resolves. Rejects with QueueError, then nothing has changed. */
  async write(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const written = this.database.batch(() => {
      for (const { key, value } of changes) {
        if (value === undefined) this.database.remove(key);
        else this.database.put(key, value);
      }
    });
    try {
      await withDeadline(written, `writing ${this.path} took longer than ${WRITE_DEADLINE_MS} ms`);
    } catch (error) {
      throw queueError(await cause(error), `cannot write ${this.path}`);
    }
  }

  /** Inside transact(), or in a process with an event loop. */
  usage(): Usage {
    if (this.readOnly) this.database.ensureReadTxn();
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
    readersHere.get(this.path)?.delete(this);
    return this.database.close();
  }

  private requireWholeFile(): void {
    let claimedBytes = 0;
    if (this.readOnly) claimedBytes = this.usage().fileBytes;
    else {
      this.transact(() => {
        claimedBytes = this.usage().fileBytes;
      });
    }
    this.release();
    // An environment in which nothing was written yet claims the two pages of its header.
    if (statSync(this.dataFile).size >= claimedBytes) return;
    void this.close();
    throw new QueueError('damaged', `${this.dataFile} is shorter than it claims to be: set it aside`);
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

/** A failed commit hides its reason in a promise of its own, which would else be reported as unhandled. */
async function cause(error: unknown): Promise<unknown> {
  if (typeof error !== 'object' || error === null || !('commitError' in error)) return error;
  const { commitError } = error;
  if (!(commitError instanceof Promise)) return error;
  const never = new Promise<unknown>((resolve) => setTimeout(resolve, 1000, error).unref());
  return Promise.race([
    commitError.then(
      () => error,
      (reason: unknown) => reason,
    ),
    never,
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
