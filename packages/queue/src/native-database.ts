import { statSync } from 'node:fs';
import { openAsClass } from 'lmdb';
import { READERS_MAX } from './limits.js';
import { withOpenLock } from './open-lock.js';

/** What is used of lmdb-js's object, most of which its own types leave out. */
export interface NativeDatabase {
  readonly env: { info(): { lastPageNumber: number; lastTxnId: number } };
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
  /** Runs `write` in a transaction of its own, which is aborted when it throws; resolves after the commit. */
  childTransaction(write: () => void): Promise<unknown>;
  transactionSync(run: () => void, flags: number): void;
  getWriteTxnId(): number;
  ensureReadTxn(): void;
  resetReadTxn(): void;
  readerCheck(): number;
  close(): Promise<void>;
}

export interface OpenMode {
  readonly readOnly: boolean;
  readonly durable: boolean;
  readonly mapBytes: number;
}

/** Told when somebody else in this process takes the database away. */
export interface DatabaseUser {
  displaced(): void;
}

interface Opened {
  readonly database: NativeDatabase;
  readonly dataFile: string;
  readonly inode: bigint;
  readonly users: Set<DatabaseUser>;
}

const asIs = { encode: (value: Uint8Array) => value, decode: (value: Uint8Array) => value };

/**
 * What this process has open, by path. LMDB holds its place with POSIX locks, and these have the property that a
 * process which closes any descriptor of the file loses all its locks on it. Opening a database twice does just that;
 * the next process would take the database for unused, and make its lock table anew under our feet. So a database is
 * opened once per process, and shared.
 */
const openedHere = new Map<string, Opened>();

/** A reader shares what is open; a writer takes it away from all others first. */
export function acquireDatabase(
  path: string,
  dataFile: string,
  mode: OpenMode,
  user: DatabaseUser,
): NativeDatabase {
  const opened = openedHere.get(path);
  if (opened !== undefined && mode.readOnly && opened.inode === inodeOf(dataFile)) {
    opened.users.add(user);
    return opened.database;
  }
  if (opened !== undefined) displaceAll(path, opened);
  const database = withOpenLock(dataFile, () => openDatabase(path, mode));
  openedHere.set(path, { database, dataFile, inode: inodeOf(dataFile), users: new Set([user]) });
  return database;
}

/** Closes it when nobody else uses it. */
export function releaseDatabase(path: string, database: NativeDatabase, user: DatabaseUser): Promise<void> {
  const opened = openedHere.get(path);
  // It was displaced, and closed by the one who did that.
  if (opened?.database !== database) return Promise.resolve();
  opened.users.delete(user);
  if (opened.users.size > 0) return Promise.resolve();
  openedHere.delete(path);
  return closeDatabase(opened);
}

/** With writes under way it ends later, and without the lock; nobody opens what is being written for the first time. */
function closeDatabase({ database, dataFile }: Opened): Promise<void> {
  return withOpenLock(dataFile, () => database.close());
}

function displaceAll(path: string, opened: Opened): void {
  openedHere.delete(path);
  for (const user of opened.users) user.displaced();
  void closeDatabase(opened);
}

/** What open() makes of `asClass`: the database is open, and constructing gives access to it. */
interface DatabaseClass {
  new (name: null, options: object): NativeDatabase;
  readonly prototype: NativeDatabase;
}

function openDatabase(path: string, mode: OpenMode): NativeDatabase {
  const options = {
    path,
    isRoot: true,
    noSubdir: path.endsWith('.mdb'),
    encoding: 'binary' as const,
    keyEncoding: 'binary' as const,
    cache: false,
    maxReaders: READERS_MAX,
    maxDbs: 1,
    overlappingSync: false,
    eventTurnBatching: false,
    encoder: asIs,
    ...(mode.readOnly ? { readOnly: true } : { noSync: !mode.durable }),
    ...(mode.mapBytes > 0 ? { mapSize: mode.mapBytes } : {}),
  };
  const Database = openAsClass({ ...options }) as unknown as DatabaseClass;
  try {
    return new Database(null, options);
  } catch (error) {
    // What open() alone would leave open, for the next try to find it in the same bad state.
    void Database.prototype.close.call({ isRoot: true } as unknown as NativeDatabase);
    throw error;
  }
}

function inodeOf(file: string): bigint {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}
