import { strict as assert } from 'node:assert';
import { closeSync, constants, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { messageOf, ServerError, systemCode } from './errors.js';
import { OpenDirectory } from './open-directory.js';
import {
  directoryModeOf,
  identityOf,
  openDirectory,
  openIfIdentical,
  openOrCreate,
  searchDirectory,
  type OpenedFile,
} from './output-entry.js';
import { isQuarantineName, refusalOf } from './output-name.js';

/** Permissions of new files when nothing else is asked for. */
const FILE_MODE = 0o640;

/** Answers of the system that are about this one name: it would get them again tomorrow. */
const REFUSALS = new Set([
  'ELOOP',
  'ENOTDIR',
  'EISDIR',
  'ENXIO',
  'EACCES',
  'EPERM',
  'EROFS',
  'ENAMETOOLONG',
  'EINVAL',
  'EILSEQ',
  'ETXTBSY',
]);

/** A name that cannot be written, because of what is there in the file system. */
export class RefusedName extends Error {
  override readonly name = 'RefusedName';
}

/**
 * The output directory. Every name is walked from its open directory, part by part through /proc/self/fd (openat(2)
 * in other words), and never through a symbolic link: whatever somebody puts into the tree, at whatever moment, nothing
 * outside is reached.
 */
export class OutputTree {
  readonly #directory: string;
  #root: number;
  /** Permissions of the files that are made from now on; those of directories go by it. */
  fileMode: number;

  /** Makes the directory when it is missing. Throws {@link ServerError} `output_dir` when it cannot be used. */
  constructor(directory: string, fileMode = FILE_MODE) {
    this.#directory = directory;
    this.fileMode = fileMode;
    this.#root = openRoot(directory, fileMode);
  }

  get directory(): string {
    return this.#directory;
  }

  /** Looks at the directory's name again: it may be another one by now. */
  reopen(): void {
    const root = openRoot(this.#directory, this.fileMode);
    closeSync(this.#root);
    this.#root = root;
  }

  close(): void {
    closeSync(this.#root);
  }

  /**
   * Opens `name` for appending; makes it and its directories when they are missing. Throws {@link RefusedName}, or the
   * system's error when it is not the name's fault (no room, too many open files). `name` must have been checked.
   */
  openFile(name: string): OpenedFile {
    assert(
      refusalOf(name, 0) === undefined || isQuarantineName(name),
      'the name of an output file was not checked',
    );
    const changedDirectories: number[] = [];
    try {
      return this.#inDirectory(name, changedDirectories, (directory, last) => {
        const opened = openOrCreate(directory, last, this.fileMode, changedDirectories);
        return { ...opened, changedDirectories };
      });
    } catch (error) {
      // The next attempt finds what this one has made, and does not sync it again.
      for (const directory of changedDirectories) {
        try {
          fsyncSync(directory);
        } finally {
          closeSync(directory);
        }
      }
      if (REFUSALS.has(systemCode(error) ?? '')) throw new RefusedName(refusalText(error), { cause: error });
      throw error;
    }
  }

  /**
   * Opens the file of that identity at `name`, or, when it was renamed, elsewhere in the same directory. Undefined
   * when it is not there. Creates nothing.
   */
  findFile(name: string, identity: string, searchRenamed: boolean): { fd: number; name: string } | undefined {
    return this.#ifThere(name, (directory, last) => {
      const found = openIfIdentical(directory, last, identity);
      if (found !== undefined) return { fd: found, name };
      return searchRenamed ? searchDirectory(directory, name, identity) : undefined;
    });
  }

  /** Whether the file of that identity is what `name` stands for now. */
  holds(name: string, identity: string): boolean {
    return (
      this.#ifThere(name, (directory, last) => {
        return identityOf(directory, last) === identity;
      }) ?? false
    );
  }

  /** The directory of `name`, to be closed by the caller, and the last part of the name; undefined when it is not there. */
  openDirectoryOf(name: string): { directory: OpenDirectory; last: string } | undefined {
    return this.#ifThere(name, (directory, last) => {
      const fd = openSync(`/proc/self/fd/${directory}`, constants.O_RDONLY | constants.O_DIRECTORY);
      return { directory: new OpenDirectory(fd, name.slice(0, Math.max(0, name.lastIndexOf('/')))), last };
    });
  }

  /** As {@link #inDirectory} without making anything; undefined when something of it is not there. */
  #ifThere<T>(name: string, action: (directory: number, last: string) => T): T | undefined {
    try {
      return this.#inDirectory(name, undefined, action);
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (code === 'ENOENT' || REFUSALS.has(code)) return undefined;
      throw error;
    }
  }

  /** Calls `action` with the open directory of `name` and the last part of it. */
  #inDirectory<T>(
    name: string,
    changedDirectories: number[] | undefined,
    action: (directory: number, last: string) => T,
  ): T {
    const segments = name.split('/');
    const last = segments.pop() ?? '';
    let directory = this.#root;
    try {
      for (const segment of segments) {
        const next = openDirectory(directory, segment, this.fileMode, changedDirectories);
        this.#leave(directory);
        directory = next;
      }
      return action(directory, last);
    } finally {
      this.#leave(directory);
    }
  }

  #leave(directory: number): void {
    if (directory !== this.#root) closeSync(directory);
  }
}

function openRoot(directory: string, fileMode: number): number {
  try {
    mkdirSync(directory, { recursive: true, mode: directoryModeOf(fileMode) });
    return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const code = ['EACCES', 'EPERM'].includes(systemCode(error) ?? '') ? 'permission' : 'output_dir';
    throw new ServerError(code, `cannot use the output directory ${directory}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function refusalText(error: unknown): string {
  const code = systemCode(error) ?? '';
  if (code === 'ELOOP') return 'a part of it is a symbolic link';
  if (code === 'ENOTDIR') return 'a part of it is a symbolic link, or a file and no directory';
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'ENXIO') return 'it is no regular file';
  return messageOf(error);
}
