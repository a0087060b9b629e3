import { closeSync, fsync } from 'node:fs';
import { promisify } from 'node:util';
import { printableName, type Log } from '@k2hft/config';
import { messageOf, systemCode } from './errors.js';
import type { OpenedFile } from './output-entry.js';
import { isNoRoom, OutputBlocked, OutputFile } from './output-file.js';
import type { OutputRules } from './output-rules.js';
import { RefusedName, type OutputTree } from './output-tree.js';
import { Rotation } from './rotation.js';
import type { ServerCounters } from './server-counters.js';
import type { State, StateChanges } from './state.js';

const fsyncAsync = promisify(fsync);

/** Open files that are kept. Well below the 1024 that a process may have by default, next to its connections. */
export const OPEN_FILES_MAX = 512;

/** How often it is looked whether an output file still has its name, while lines come; after a pause it is looked first. */
const LOOK_MS = 50;

/** How often files that nothing is written to are looked at: is it time to rotate them? */
const ROTATE_CHECK_MS = 1000;

/** Answers of the system that may be others in a second. */
const PASSING = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EINTR']);

export interface OutputFilesOptions {
  tree: OutputTree;
  state: State;
  log: Log;
  counters: Pick<ServerCounters, 'rotations'>;
  rotate: () => OutputRules['rotate'];
  /** Files that are not closed to make room for others. */
  needed: () => ReadonlySet<OutputFile | undefined>;
  /** Commits durably, however long it takes. */
  commit: (changes: StateChanges) => Promise<void>;
  /** A file is not open any more. */
  closed: (file: OutputFile) => void;
  /** Files wait for the uncommitted groups: do not gather any longer. */
  hurry: () => void;
  /** Files are registered that were not. */
  ready: () => void;
  fault: (error: unknown) => void;
}

interface Registration {
  file: OutputFile;
  changedDirectories: number[];
}

/**
 * The output files that are open. A file is recorded durably *before* its first append: otherwise a crash would leave bytes
 * in it that nobody knows to cut back, and that come again.
 *
 * ```
 *   open ──as recorded──────────────────────▶ registered ──▶ stale: no more appends ──nothing unsafe in it──▶ closed
 *     └─ register: directories synced, record committed ─▲       └─ because it is due: renamed before
 * ```
 */
export class OutputFiles {
  readonly #options: OutputFilesOptions;
  /** By identity, the least recently used first. */
  readonly #files = new Map<string, OutputFile>();
  #registrations: Registration[] = [];
  readonly #rotation: Rotation;
  readonly #rotateTimer: NodeJS.Timeout;

  constructor(options: OutputFilesOptions) {
    this.#options = options;
    this.#rotation = new Rotation({
      ...options,
      rules: options.rotate,
      isOpen: (identity) => this.#files.has(identity),
    });
    this.#rotation.begin();
    this.#rotateTimer = setInterval(() => {
      this.#rotateIdle();
    }, ROTATE_CHECK_MS).unref();
  }

  get count(): number {
    return this.#files.size;
  }

  /**
   * Opens the file of a name; undefined when that cannot be before something else has happened. Throws
   * {@link RefusedName}, or {@link OutputBlocked} for what may be otherwise later. A new one is registered with the next
   * {@link register}.
   */
  open(name: string): OutputFile | undefined {
    if (!this.#makeSlot()) return undefined;
    const { fd, identity, length, bornMs, isNew, changedDirectories } = this.#tryOpen(name);
    const shared = this.#files.get(identity);
    if (shared !== undefined) {
      // Two names of one file: one of them is a hard link, or it was renamed.
      closeSync(fd);
      changedDirectories.forEach((directory) => {
        closeSync(directory);
      });
      if (shared.stale) this.#options.hurry();
      return shared.stale ? undefined : shared;
    }
    if (isNew) this.#rotation.made(name, fd);
    const file = new OutputFile(name, identity, fd, length, bornMs);
    const record = this.#options.state.file(identity);
    file.adopt(record);
    this.#files.set(identity, file);
    if (record?.length === length && record.name === name && changedDirectories.length === 0) {
      file.registered = true;
    } else {
      this.#registrations.push({ file, changedDirectories });
    }
    return file;
  }

  /** It is used now. */
  touch(file: OutputFile): void {
    this.#files.delete(file.identity);
    this.#files.set(file.identity, file);
  }

  /** Begins to record the files that were opened and are not as they are recorded. */
  register(): void {
    const registrations = this.#registrations;
    this.#registrations = [];
    if (registrations.length > 0) this.#register(registrations).catch(this.#options.fault);
  }

  /** Whether somebody else has renamed or removed the file, as logrotate does, or has put another one in its place. */
  hasLostItsName(file: OutputFile): boolean {
    const now = performance.now();
    if (now - file.seenAtMs < LOOK_MS) return false;
    if (this.#options.tree.holds(file.name, file.identity)) {
      file.seenAtMs = now;
      return false;
    }
    const shown = printableName(file.name);
    this.#options.log('info', `${shown} was renamed or removed: its next lines go to a new file`);
    return true;
  }

  /** Bytes that may be appended before the file is to be rotated. */
  roomBytes(file: OutputFile): number {
    return this.#rotation.roomBytes(file);
  }

  /** Whether the file is to be rotated before so many bytes are appended: then it is stale. */
  rotateIfDue(file: OutputFile, bytes: number): boolean {
    if (!this.#rotation.isDue(file, bytes)) return false;
    file.stale = true;
    file.rotates = true;
    return true;
  }

  /** The directory and every file in it are opened anew for the next batches. */
  reopen(): void {
    this.#reopenTree();
    for (const file of this.#files.values()) file.stale = true;
    this.closeStale();
  }

  /** Closes files that must be opened anew and have nothing unsafe in them. */
  closeStale(): void {
    for (const file of this.#files.values()) {
      if (!file.stale || !file.registered || file.unsafeGroupCount > 0) continue;
      if (!file.rotates || this.#rename(file)) {
        this.#close(file);
      } else {
        file.stale = false;
        file.rotates = false;
      }
    }
  }

  /** Resolves when neither files nor state are touched any more. */
  async close(): Promise<void> {
    clearInterval(this.#rotateTimer);
    await this.#rotation.close();
    for (const file of [...this.#files.values()]) this.#close(file);
  }

  #rename(file: OutputFile): boolean {
    const isRenamed = this.#rotation.rename(file);
    if (isRenamed) this.#options.counters.rotations++;
    return isRenamed;
  }

  #rotateIdle(): void {
    for (const file of this.#files.values()) {
      if (file.registered && !file.stale) this.rotateIfDue(file, 0);
    }
    this.closeStale();
  }

  /** Closes the file that was not used for the longest time, when there are too many; false when all are needed. */
  #makeSlot(): boolean {
    if (this.#files.size < OPEN_FILES_MAX) return true;
    const needed = this.#options.needed();
    for (const file of this.#files.values()) {
      if (!file.registered || file.unsafeGroupCount > 0 || needed.has(file)) continue;
      this.#close(file);
      return true;
    }
    this.#options.hurry();
    return false;
  }

  #tryOpen(name: string): OpenedFile {
    try {
      return this.#options.tree.openFile(name);
    } catch (error) {
      if (error instanceof RefusedName) throw error;
      const code = systemCode(error) ?? '';
      if (code === 'ENOENT') this.#reopenTree();
      if (isNoRoom(error) || code === 'ENOENT' || PASSING.has(code)) throw cannotOpen(name, error);
      throw error;
    }
  }

  /** When the output directory cannot be opened now, the one that is open stays, and the next append tells. */
  #reopenTree(): void {
    try {
      this.#options.tree.reopen();
    } catch (error) {
      this.#options.log('error', messageOf(error));
    }
  }

  async #register(registrations: readonly Registration[]): Promise<void> {
    for (const { changedDirectories } of registrations) {
      await Promise.all(changedDirectories.map((directory) => fsyncAsync(directory)));
      changedDirectories.forEach((directory) => {
        closeSync(directory);
      });
    }
    await this.#options.commit({
      opened: registrations.map(({ file }) => [file.identity, file.record()] as const),
      rotated: this.#rotation.unsettled(new Set(registrations.map(({ file }) => file.name))),
    });
    for (const { file } of registrations) file.registered = true;
    this.#options.ready();
  }

  #close(file: OutputFile): void {
    file.close();
    this.#files.delete(file.identity);
    this.#options.closed(file);
  }
}

/** It may be possible later, and until then nothing is written. */
export function cannotOpen(name: string, error: unknown): OutputBlocked {
  return new OutputBlocked(`cannot open ${printableName(name)}: ${messageOf(error)}`, { cause: error });
}
