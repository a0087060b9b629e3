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
import { systemCode } from './errors.js';
import { fileIdentity } from './file-identity.js';

/*
 * Entries of one open directory, by its descriptor: openat(2), as Node.js has no call for it. No symbolic link is
 * followed, and nothing outside the directory is reached.
 */

/** A symbolic link is never followed, and a FIFO that nobody reads does not hang the server. */
const OPEN_FILE = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Those of a directory, for files with these: whoever may read a file may search. */
export function directoryModeOf(fileMode: number): number {
  return fileMode | 0o100 | ((fileMode & 0o044) >> 2);
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

/** Path of an entry of an open directory, as bytes. */
function entry(directory: number, segment: string): Buffer {
  return Buffer.from(`/proc/self/fd/${directory}/${segment}`, 'latin1');
}

/** Opens a directory in `directory`; when `changedDirectories` is given, it is made if it is missing. */
export function openDirectory(
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
  noteChange(directory, changedDirectories);
  const isNew = makeDirectory(path, directoryModeOf(fileMode));
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

/**
 * A descriptor of its own, because it is synced and closed later. To be called before the change: who runs out of
 * descriptors has then changed nothing that the next attempt would take for synced.
 */
function noteChange(directory: number, changedDirectories: number[]): void {
  changedDirectories.push(openSync(`/proc/self/fd/${directory}`, constants.O_RDONLY | constants.O_DIRECTORY));
}

/** Opens a file to append to; makes it when it is missing. Throws the error of the system, `EINVAL` for what is no regular file. */
export function openOrCreate(
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
    noteChange(directory, changedDirectories);
    fd = openSync(path, OPEN_FILE | constants.O_CREAT, fileMode);
    grant(fd, fileMode);
    isNew = true;
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

/** Opens an entry when it is the file of that identity. */
export function openIfIdentical(directory: number, segment: string, identity: string): number | undefined {
  const path = entry(directory, segment);
  const stats = lstatOf(path);
  if (stats?.isFile() !== true || fileIdentity(stats) !== identity) return undefined;
  const fd = openSync(path, OPEN_FILE);
  if (fileIdentity(fstatSync(fd, { bigint: true })) === identity) return fd;
  closeSync(fd);
  return undefined;
}

/** Which file an entry is; undefined when it is not there. */
export function identityOf(directory: number, segment: string): string | undefined {
  const stats = lstatOf(entry(directory, segment));
  return stats && fileIdentity(stats);
}

function lstatOf(path: Buffer): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** The file of that identity among all entries; `name`: what it was called, below the output directory. */
export function searchDirectory(
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
