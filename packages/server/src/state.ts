import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { underWay } from '@k2hft/queue';
import { open, type RootDatabase } from 'lmdb';
import type { StoredApplied } from './applied.js';
import { AppliedSet } from './applied.js';
import { messageOf, ServerError, systemCode } from './errors.js';
import type { FileRecord } from './output-file.js';

/*
 * What the server must know after a crash, in one LMDB environment, `state` in the state directory. Keys are strings:
 *
 *   version           1
 *   s<uuid>           the applied batches of a source (StoredApplied)
 *   f<identity>       an output file (FileRecord): what is beyond its length was never acknowledged
 *   n<sha256 of name> identity of the file that was last opened under that name, so that the record of a file that has
 *                     gone is found and removed
 *   o<uuid>           name of the host that a source belongs to, where tokens are asked for
 *   r<sha256 of name> a name (byte string) that has rotated files which are still to be compressed or removed
 *
 * One process writes it, the one that holds the lock of the state directory. In LMDB's default mode a transaction
 * survives the loss of power once its commit resolves: overlappingSync is off for that, and a failed commit
 * then leaves the environment usable.
 */
const VERSION = 1;

export interface StateChanges {
  files?: Iterable<readonly [identity: string, record: FileRecord]>;
  sources?: Iterable<readonly [uuid: string, applied: AppliedSet]>;
  owners?: Iterable<readonly [uuid: string, name: string]>;
  /** Files that were opened: they replace what was recorded under their names. */
  opened?: Iterable<readonly [identity: string, record: FileRecord]>;
  forget?: Iterable<string>;
  /** Files that were rotated: their records go, and their names are remembered until they are `tidied`. */
  rotated?: Iterable<readonly [identity: string, name: string]>;
  /** Names whose rotated files are in order. */
  tidied?: Iterable<string>;
}

/** A commit found no room; nothing of it is there, and it can be tried again. */
export class StateNoRoom extends Error {
  override readonly name = 'StateNoRoom';
}

export class State {
  readonly #database: RootDatabase<unknown, string>;

  /**
   * Opens or makes the state. The caller has seen to it that there is room. `durable`: a commit resolves when it would
   * survive the loss of power, otherwise when it survives the death of this process.
   */
  constructor(stateDirectory: string, durable: boolean) {
    const directory = join(stateDirectory, 'state');
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      this.#database = open<unknown, string>({
        path: directory,
        noSubdir: false,
        encoding: 'msgpack',
        overlappingSync: !durable,
      });
      // A killed server leaves its place among the readers behind, and LMDB keeps old pages for it.
      this.#database.readerCheck();
    } catch (error) {
      const code = ['EACCES', 'EPERM'].includes(systemCode(error) ?? '') ? 'permission' : 'state_dir';
      throw new ServerError(code, `cannot open the state in ${directory}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    const version = this.#database.get('version');
    if (version !== undefined && version !== VERSION) {
      throw new ServerError(
        'state_damaged',
        `the state in ${directory} has version ${JSON.stringify(version)}, this k2hft-svr knows ${VERSION}: use the one that wrote it`,
      );
    }
  }

  /** The applied batches of a source; an empty set for one that is not known. */
  applied(uuid: string): AppliedSet {
    const stored = this.#database.get(`s${uuid}`) as StoredApplied | undefined;
    return stored === undefined ? new AppliedSet() : AppliedSet.fromStored(stored);
  }

  /** The host that a source belongs to; undefined when it has shown no token yet. */
  owner(uuid: string): string | undefined {
    return this.#database.get(`o${uuid}`) as string | undefined;
  }

  file(identity: string): FileRecord | undefined {
    return this.#database.get(`f${identity}`) as FileRecord | undefined;
  }

  /** All recorded files. */
  files(): [identity: string, record: FileRecord][] {
    const range = this.#database.getRange({ start: 'f', end: 'g' });
    return [...range].map(({ key, value }) => [key.slice(1), value as FileRecord]);
  }

  /** The file that was last opened under a name, when it has a record. */
  fileNamed(name: string): FileRecord | undefined {
    const identity = this.#database.get(`n${hashOf(name)}`) as string | undefined;
    return identity === undefined ? undefined : this.file(identity);
  }

  /** Names that have rotated files which are still to be compressed or removed. */
  rotatedNames(): string[] {
    return [...this.#database.getRange({ start: 'r', end: 's' })].map(({ value }) => value as string);
  }

  /** One transaction. Rejects with {@link StateNoRoom} or {@link ServerError} `commit_failed`; nothing of it is there then. */
  async commit(changes: StateChanges): Promise<void> {
    try {
      await underWay(
        this.#database.transaction(() => {
          this.#write(changes);
        }),
      );
    } catch (error) {
      throw await explain(error);
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #write(changes: StateChanges): void {
    const database = this.#database;
    void database.put('version', VERSION);
    for (const [identity, record] of changes.opened ?? []) this.#writeOpened(identity, record);
    for (const [identity, record] of changes.files ?? []) void database.put(`f${identity}`, record);
    for (const [uuid, applied] of changes.sources ?? []) void database.put(`s${uuid}`, applied.toStored());
    for (const [uuid, name] of changes.owners ?? []) void database.put(`o${uuid}`, name);
    for (const identity of changes.forget ?? []) void database.remove(`f${identity}`);
    for (const [identity, name] of changes.rotated ?? []) {
      void database.remove(`f${identity}`);
      void database.put(`r${hashOf(name)}`, name);
    }
    for (const name of changes.tidied ?? []) void database.remove(`r${hashOf(name)}`);
  }

  #writeOpened(identity: string, record: FileRecord): void {
    const key = `n${hashOf(record.name)}`;
    const previous = this.#database.get(key) as string | undefined;
    if (previous !== undefined && previous !== identity && this.file(previous)?.name === record.name) {
      void this.#database.remove(`f${previous}`);
    }
    void this.#database.put(key, identity);
    void this.#database.put(`f${identity}`, record);
  }
}

function hashOf(name: string): string {
  return createHash('sha256').update(name, 'latin1').digest('hex');
}

/** System errors as LMDB gives them. */
const NO_ROOM_CODES: readonly unknown[] = [28, 122, 'ENOSPC', 'EDQUOT'];

/** The reason follows the rejection at once; this is for the case that it never does. */
const REASON_DEADLINE_MS = 1000;

/** True for the further promises that LMDB rejects, and nobody can reach, when a commit fails. */
export function isEchoOfFailedCommit(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.message.startsWith('Commit failed') || ('code' in error && NO_ROOM_CODES.includes(error.code));
}

/** LMDB's rejection says only that it failed; what failed is in a second promise, which must not go unhandled. */
async function explain(error: unknown): Promise<Error> {
  let cause: unknown = error;
  if (error instanceof Error && 'commitError' in error && error.commitError instanceof Promise) {
    const reason = error.commitError.then(
      () => error,
      (rejected: unknown) => rejected,
    );
    cause = await Promise.race([reason, setTimeout(REASON_DEADLINE_MS, error, { ref: false })]);
  }
  if (cause instanceof Error && 'code' in cause && NO_ROOM_CODES.includes(cause.code)) {
    return new StateNoRoom(cause.message, { cause });
  }
  return new ServerError('commit_failed', `cannot commit the state: ${messageOf(cause)}`, { cause });
}
