import { strict as assert } from 'node:assert';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type BigIntStats,
} from 'node:fs';
import { messageOf, ServerError, systemCode } from './errors.js';
import { fileIdentity } from './file-identity.js';
import { OpenDirectory } from './open-directory.js';
import { isQuarantineName, refusalOf } from './output-name.js';

/** Permissions of new files when nothing else is asked for. */
const FILE_MODE = 0o640;

/** Those of a directory, for files with these: whoever may read a file may search. */
function directoryModeOf(fileMode: number): number {
  return fileMode | 0o100 | ((fileMode & 0o044) >> 2);
}

/** A symbolic link is never followed, and a FIFO that nobody reads does not hang the server. */
const OPEN_FILE = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

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

export interface OpenedFile {
  fd: number;
  identity: string;
  /** Bytes that are in it. */
  length: number;
  /** When it was made, or, where the file system does not keep that, written last; milliseconds since 1970. */
  bornMs: number;
  /** It was not there before. */
  isNew: boolean;
  /** Directories that got a new entry: they are to be synced before the file counts as kept, and to be closed. */
  changedDirectories: number[];
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
      changedDirectories.forEach(closeSync);
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
        const stats = lstatOf(entry(directory, last));
        return stats !== undefined && fileIdentity(stats) === identity;
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

/** Path of an entry of an open directory, as bytes. */
function entry(directory: number, segment: string): Buffer {
  return Buffer.from(`/proc/self/fd/${directory}/${segment}`, 'latin1');
}

function openDirectory(
  directory: number,
  segment: string,
  fileMode: number,
  changedDirectories: number[] | undefined,
): number {
  const path = entry(directory, segment);
  try {
    return openSync(path, OPEN_DIRECTORY);
  } catch (error) {
    if (changedDirectories === undefined || systemCode(error) !== 'ENOENT') throw error;
  }
  const isNew = makeDirectory(path, directoryModeOf(fileMode));
  noteChange(directory, changedDirectories);
  const fd = openSync(path, OPEN_DIRECTORY);
  if (isNew) grant(fd, directoryModeOf(fileMode));
  return fd;
}

/** False when somebody else has made it in the meantime. */
function makeDirectory(path: Buffer, mode: number): boolean {
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return false;
  }
}

/** Gives what the umask of this process has taken away: the settings alone say who may read the files. */
function grant(fd: number, mode: number): void {
  const found = fstatSync(fd).mode & 0o7777;
  if ((mode & ~found) !== 0) fchmodSync(fd, found | mode);
}

/** A descriptor of its own, because it is synced and closed later. */
function noteChange(directory: number, changedDirectories: number[]): void {
  changedDirectories.push(openSync(`/proc/self/fd/${directory}`, constants.O_RDONLY | constants.O_DIRECTORY));
}

function openOrCreate(
  directory: number,
  segment: string,
  fileMode: number,
  changedDirectories: number[],
): Omit<OpenedFile, 'changedDirectories'> {
  const path = entry(directory, segment);
  let fd: number;
  let isNew = false;
  try {
    fd = openSync(path, OPEN_FILE);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    fd = openSync(path, OPEN_FILE | constants.O_CREAT, fileMode);
    grant(fd, fileMode);
    isNew = true;
    noteChange(directory, changedDirectories);
  }
  const stats = fstatSync(fd, { bigint: true });
  if (!stats.isFile()) {
    closeSync(fd);
    throw Object.assign(new Error('it is not a regular file'), { code: 'EINVAL' });
  }
  const bornNs = stats.birthtimeNs > 0n ? stats.birthtimeNs : stats.mtimeNs;
  return {
    fd,
    identity: fileIdentity(stats),
    length: Number(stats.size),
    bornMs: Number(bornNs / 1_000_000n),
    isNew,
  };
}

function openIfIdentical(directory: number, segment: string, identity: string): number | undefined {
  const path = entry(directory, segment);
  const stats = lstatOf(path);
  if (stats?.isFile() !== true || fileIdentity(stats) !== identity) return undefined;
  const fd = openSync(path, OPEN_FILE);
  if (fileIdentity(fstatSync(fd, { bigint: true })) === identity) return fd;
  closeSync(fd);
  return undefined;
}

function lstatOf(path: Buffer): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function searchDirectory(
  directory: number,
  name: string,
  identity: string,
): { fd: number; name: string } | undefined {
  const prefix = name.slice(0, name.lastIndexOf('/') + 1);
  for (const segment of readdirSync(`/proc/self/fd/${directory}`, 'latin1')) {
    const fd = openIfIdentical(directory, segment, identity);
    if (fd !== undefined) return { fd, name: prefix + segment };
  }
  return undefined;
}

function refusalText(error: unknown): string {
  const code = systemCode(error) ?? '';
  if (code === 'ELOOP') return 'a part of it is a symbolic link';
  if (code === 'ENOTDIR') return 'a part of it is a symbolic link, or a file and no directory';
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'ENXIO') return 'it is no regular file';
  return messageOf(error);
}
