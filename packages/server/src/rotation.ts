import { fchmodSync, fchownSync, fstatSync, type Stats } from 'node:fs';
import { printableName, type Log, type OutputSettings } from '@k2hft/config';
import { messageOf } from './errors.js';
import { fileIdentity } from './file-identity.js';
import type { OpenDirectory } from './open-directory.js';
import type { OutputFile } from './output-file.js';
import type { OutputTree } from './output-tree.js';
import { nextRotatedName, ROTATED_SUFFIX_BYTES_MAX } from './rotate-name.js';
import { periodStart } from './rotate-period.js';
import { Tidy } from './rotate-tidy.js';
import type { State, StateChanges } from './state.js';

export type RotateSettings = NonNullable<OutputSettings['rotate']>;

/**
 * A file whose last line is unfinished is rotated when the line has ended. But no source may keep a file from ever being
 * rotated: after this time, or so many bytes beyond the size (the largest batch), the line is cut in two.
 */
const OPEN_LINE_WAIT_MS = 10_000;
const OPEN_LINE_BYTES_MAX = 16 * 1024 * 1024;

/** How often a rotation that the system did not allow is tried again. */
const RETRY_MS = 10_000;

/** The longest name of a directory's entry (NAME_MAX). */
const SEGMENT_BYTES_MAX = 255;

/** Modes and owners that are remembered for new files. Beyond, all are forgotten. */
const ATTRIBUTES_MAX = 10_000;

export interface RotationOptions {
  tree: OutputTree;
  state: State;
  log: Log;
  rules: () => RotateSettings | undefined;
  /** Whether a file of that identity is open for output. */
  isOpen: (identity: string) => boolean;
  /** Commits durably, however long it takes. */
  commit: (changes: StateChanges) => Promise<void>;
  fault: (error: unknown) => void;
}

/**
 * When an output file is rotated, and how. A file is renamed only when everything in it is committed and acknowledged; so
 * nothing is ever to be cut back in a rotated file.
 *
 * ```
 *   due ─▶ no more appends ─▶ its groups are committed ─▶ renamed ─▶ directory synced ─▶ the state forgets its record
 *                                                            │        and remembers its name ─▶ compressed, oldest removed
 *                                                            └─▶ next append: a new file, recorded before its first byte
 * ```
 *
 * Killed before the state has forgotten the record, the recovery finds the file under its new name.
 */
export class Rotation {
  readonly #options: RotationOptions;
  readonly #tidy: Tidy;
  /** Mode and owner that the next file of a name gets. */
  readonly #attributes = new Map<string, Stats>();
  readonly #complained = new Set<string>();
  readonly #settling = new Set<Promise<void>>();
  /** Files that are renamed, while the state may not know it. */
  readonly #unsettled = new Set<OutputFile>();

  constructor(options: RotationOptions) {
    const { tree, state, log, rules, isOpen, commit, fault } = options;
    this.#options = options;
    this.#tidy = new Tidy({
      tree,
      log,
      rules,
      isOutput: (identity, name) => isOpen(identity) || state.file(identity)?.name === name,
      tidied: (name) => commit({ tidied: [name] }),
      fault,
    });
  }

  /** Goes on with what an earlier server has left to do. */
  begin(): void {
    if (this.#options.rules() === undefined) return;
    for (const name of this.#options.state.rotatedNames()) this.#tidy.add(name);
  }

  /** Bytes that may be appended before the file is to be rotated. */
  roomBytes(file: OutputFile): number {
    const rules = this.#options.rules();
    if (rules === undefined || file.length === 0) return rules?.sizeBytes ?? Infinity;
    if (this.#isOld(file, rules)) return 0;
    return rules.sizeBytes === undefined ? Infinity : Math.max(0, rules.sizeBytes - file.length);
  }

  /** Whether the file is to be rotated before so many bytes are appended; 0: because of its age. */
  isDue(file: OutputFile, bytes: number): boolean {
    const rules = this.#options.rules();
    if (rules === undefined || file.length === 0 || performance.now() < file.rotateNotBeforeMs) return false;
    const isFull = rules.sizeBytes !== undefined && bytes > 0 && file.length + bytes > rules.sizeBytes;
    if (!isFull && !this.#isOld(file, rules)) {
      file.dueSinceMs = undefined;
      return false;
    }
    file.dueSinceMs ??= performance.now();
    if (file.tail?.midRecord !== true) return true;
    const beyond = file.length - (rules.sizeBytes ?? Infinity);
    return performance.now() - file.dueSinceMs > OPEN_LINE_WAIT_MS || beyond > OPEN_LINE_BYTES_MAX;
  }

  /**
   * Renames a file in which nothing is uncommitted, and that nothing is appended to any more. False: that was not possible,
   * and it is to be written as before.
   */
  rename(file: OutputFile): boolean {
    let directory: OpenDirectory | undefined;
    try {
      directory = this.#move(file);
    } catch (error) {
      this.#failed(file, error);
      return false;
    }
    this.#complained.delete(file.name);
    if (directory === undefined) return true;
    this.#remember(file);
    this.#tidy.announce(file.name);
    const settled = this.#settle(directory, file).catch(this.#options.fault);
    this.#settling.add(settled);
    this.#unsettled.add(file);
    void settled.finally(() => {
      this.#settling.delete(settled);
      this.#unsettled.delete(file);
    });
    return true;
  }

  /**
   * What the state has still to be told of rotations of these names: it belongs into the transaction that records the next file,
   * by which the state forgets the one before. Their directory is synced by then.
   */
  unsettled(names: ReadonlySet<string>): [identity: string, name: string][] {
    return [...this.#unsettled]
      .filter(({ name }) => names.has(name))
      .map(({ identity, name }) => [identity, name]);
  }

  /** A file was made: it gets mode and owner of the one that it follows. */
  made(name: string, fd: number): void {
    const before = this.#attributes.get(name);
    if (before === undefined) return;
    this.#attributes.delete(name);
    try {
      fchmodSync(fd, before.mode & 0o7777);
      fchownSync(fd, before.uid, before.gid);
    } catch (error) {
      const shown = printableName(name);
      this.#options.log('debug', `${shown} has not the mode and owner that it had: ${messageOf(error)}`);
    }
  }

  /** Resolves when nothing is touched any more. */
  async close(): Promise<void> {
    await Promise.all([this.#tidy.close(), ...this.#settling]);
  }

  /** Returns the directory to be synced; undefined when somebody else has taken the file away already. */
  #move(file: OutputFile): OpenDirectory | undefined {
    const opened = this.#options.tree.openDirectoryOf(file.name);
    if (opened === undefined) return undefined;
    const { directory, last } = opened;
    try {
      const stats = directory.stat(last);
      if (stats === undefined || fileIdentity(stats) !== file.identity) {
        directory.close();
        return undefined;
      }
      if (last.length + ROTATED_SUFFIX_BYTES_MAX > SEGMENT_BYTES_MAX) throw new Error('its name is too long');
      directory.rename(last, nextRotatedName(last, directory.list(), new Date()));
      return directory;
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  #isOld(file: OutputFile, { everyMs }: RotateSettings): boolean {
    return everyMs !== undefined && file.sinceMs < periodStart(everyMs, new Date());
  }

  async #settle(directory: OpenDirectory, file: OutputFile): Promise<void> {
    try {
      await directory.sync();
    } finally {
      directory.close();
    }
    await this.#options.commit({ rotated: [[file.identity, file.name]] });
    this.#tidy.add(file.name);
  }

  #remember(file: OutputFile): void {
    if (this.#attributes.size >= ATTRIBUTES_MAX) this.#attributes.clear();
    this.#attributes.set(file.name, fstatSync(file.fd));
  }

  #failed(file: OutputFile, error: unknown): void {
    file.rotateNotBeforeMs = performance.now() + RETRY_MS;
    if (this.#complained.has(file.name)) return;
    this.#complained.add(file.name);
    const shown = printableName(file.name);
    this.#options.log(
      'error',
      `cannot rotate ${shown}: ${messageOf(error)}; it is written on, and tried again`,
    );
  }
}
