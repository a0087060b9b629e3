import { printableName, type Log } from '@k2hft/config';
import { messageOf } from './errors.js';
import { fileIdentity } from './file-identity.js';
import type { OpenDirectory } from './open-directory.js';
import type { OutputTree } from './output-tree.js';
import { compressFile } from './rotate-compress.js';
import { compareRotated, rotatedAmong, type RotatedName } from './rotate-name.js';
import type { RotateSettings } from './rotation.js';

/** How often what failed is tried again, as on a full disk. */
const RETRY_MS = 10_000;

export interface TidyOptions {
  tree: OutputTree;
  log: Log;
  rules: () => RotateSettings | undefined;
  /** Whether the server writes this file under this name, below the output directory. */
  isOutput: (identity: string, name: string) => boolean;
  /** The rotated files of that name are in order: they need not be looked at when the server starts again. */
  tidied: (name: string) => Promise<void>;
  fault: (error: unknown) => void;
}

/**
 * Removes the rotated files that are too many and compresses the others, for one output file after the other. What there
 * is to do is what lies in the directory, so it can be killed at any moment and is begun again.
 */
export class Tidy {
  readonly #options: TidyOptions;
  readonly #waiting = new Set<string>();
  /** Names whose rotation is on its way into the state. */
  readonly #announced = new Set<string>();
  readonly #failed = new Set<string>();
  /** Names that were complained of: once, until they are in order. */
  readonly #complaints = new Set<string>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(options: TidyOptions) {
    this.#options = options;
  }

  /** A file of that name was rotated; `add` follows when the state knows it. */
  announce(name: string): void {
    this.#announced.add(name);
  }

  add(name: string): void {
    this.#announced.delete(name);
    if (this.#isStopped()) return;
    this.#waiting.add(name);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is touched any more. */
  async close(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#retryTimer);
    await this.#running;
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    for (const name of this.#waiting) {
      if (this.#isStopped()) return;
      this.#waiting.delete(name);
      try {
        await this.#tidy(name);
        this.#complaints.delete(name);
      } catch (error) {
        if (!this.#isStopped()) this.#tryLater(name, error);
        continue;
      }
      if (this.#waiting.has(name) || this.#announced.has(name)) continue;
      await this.#options.tidied(name).catch(this.#options.fault);
    }
  }

  #tryLater(name: string, error: unknown): void {
    if (!this.#complaints.has(name)) {
      const shown = printableName(name);
      this.#options.log(
        'warn',
        `rotated files of ${shown} stay as they are: ${messageOf(error)}; it is tried again`,
      );
      this.#complaints.add(name);
    }
    this.#failed.add(name);
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      const failed = [...this.#failed];
      this.#failed.clear();
      for (const each of failed) this.add(each);
    }, RETRY_MS).unref();
  }

  async #tidy(name: string): Promise<void> {
    const rules = this.#options.rules();
    if (rules === undefined) return;
    const opened = this.#options.tree.openDirectoryOf(name);
    if (opened === undefined) return;
    try {
      const { directory, last } = opened;
      const kept = this.#removeTooMany(directory, last, rules.keep);
      if (!rules.compress) return;
      for (const { segment } of kept) {
        this.#stopping.signal.throwIfAborted();
        await compressFile(directory, segment, {
          signal: this.#stopping.signal,
          isOutput: (identity, each) => this.#options.isOutput(identity, directory.fullName(each)),
        });
      }
    } finally {
      opened.directory.close();
    }
  }

  /** Returns those that stay and are not compressed. */
  #removeTooMany(directory: OpenDirectory, last: string, keep: number): RotatedName[] {
    const rotated = rotatedAmong(last, directory.list()).filter(({ segment }) => {
      const stats = directory.stat(segment);
      return (
        stats?.isFile() === true && !this.#options.isOutput(fileIdentity(stats), directory.fullName(segment))
      );
    });
    const tooMany = new Set(oldest(rotated, keep));
    // A partial file is one that was being compressed when the server ended.
    const removed = rotated.filter((each) => each.kind === 'partial' || tooMany.has(timeOf(each)));
    for (const { segment } of removed) directory.unlink(segment);
    return rotated.filter((each) => each.kind === 'plain' && !removed.includes(each));
  }
}

/** A file and what it is compressed to count once. */
function timeOf({ stamp, number }: RotatedName): string {
  return `${stamp}-${number}`;
}

/** Times of the oldest, all but `keep` of them. */
function oldest(rotated: readonly RotatedName[], keep: number): string[] {
  const whole = rotated.filter(({ kind }) => kind !== 'partial').sort(compareRotated);
  const times = [...new Set(whole.map(timeOf))];
  return times.slice(0, Math.max(0, times.length - keep));
}
