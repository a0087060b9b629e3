import { createRequire } from 'node:module';
import { MountError } from './mount-error.js';

/**
 * The part of the package `fuse-native` that is used, which is not typed itself. It is an optional dependency: this is
 * the only file that loads it. Error numbers are negative; a positive result of read and write is a number of bytes.
 */
export interface NativeStat {
  mode: number;
  uid: number;
  gid: number;
  size: number;
  nlink: number;
  ino: number;
  rdev: number;
  blksize: number;
  blocks: number;
  /** Milliseconds since 1970. */
  atime: number;
  mtime: number;
  ctime: number;
}

export interface NativeStatistics {
  bsize: number;
  frsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  favail: number;
  namemax: number;
}

export type Done = (result: number) => void;
export type Answer<T> = (error: number, value?: T) => void;

export interface NativeOperations {
  getattr(path: string, answer: Answer<NativeStat>): void;
  fgetattr(path: string, descriptor: number, answer: Answer<NativeStat>): void;
  readlink(path: string, answer: Answer<string>): void;
  readdir(path: string, answer: Answer<string[]>): void;
  statfs(path: string, answer: Answer<NativeStatistics>): void;
  open(path: string, flags: number, answer: Answer<number>): void;
  create(path: string, mode: number, answer: Answer<number>): void;
  read(path: string, descriptor: number, target: Buffer, bytes: number, offset: number, done: Done): void;
  write(path: string, descriptor: number, source: Buffer, bytes: number, offset: number, done: Done): void;
  flush(path: string, descriptor: number, done: Done): void;
  release(path: string, descriptor: number, done: Done): void;
  fsync(path: string, dataOnly: number, descriptor: number, done: Done): void;
  truncate(path: string, size: number, done: Done): void;
  ftruncate(path: string, descriptor: number, size: number, done: Done): void;
  chmod(path: string, mode: number, done: Done): void;
  chown(path: string, uid: number, gid: number, done: Done): void;
  utimens(path: string, atimeMs: number, mtimeMs: number, done: Done): void;
  mknod(path: string, mode: number, rdev: number, done: Done): void;
  mkdir(path: string, mode: number, done: Done): void;
  unlink(path: string, done: Done): void;
  rmdir(path: string, done: Done): void;
  rename(from: string, to: string, done: Done): void;
  link(existing: string, path: string, done: Done): void;
  symlink(target: string, path: string, done: Done): void;
}

export interface NativeMount {
  mount(done: (error?: Error | null) => void): void;
  unmount(done: (error?: Error | null) => void): void;
}

interface NativeOptions {
  /** False: an operation may take as long as it takes. */
  timeout: false;
  fsname: string;
  subtype: string;
  allowOther: boolean;
  defaultPermissions: boolean;
}

type NativeConstructor = new (
  point: string,
  operations: NativeOperations,
  options: NativeOptions,
) => NativeMount;

/** Makes a mount that is not mounted yet. Throws {@link MountError} `no_driver` where the package does not work. */
export function nativeMount(
  point: string,
  operations: NativeOperations,
  options: NativeOptions,
): NativeMount {
  const Native = load();
  return new Native(point, operations, options);
}

/** Why the driver cannot be used here; undefined when it can. */
export function whyNoNativeDriver(): string | undefined {
  try {
    load();
    return undefined;
  } catch (error) {
    if (!(error instanceof MountError)) throw error;
    return error.message;
  }
}

function load(): NativeConstructor {
  try {
    return createRequire(import.meta.url)('fuse-native') as NativeConstructor;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new MountError(
      'no_driver',
      `the driver fuse-native cannot be loaded (${reason}): install libfuse 2 (Debian: apt-get install libfuse2 fuse3; macOS: macFUSE) and the npm package fuse-native`,
      { cause },
    );
  }
}
