import { readFileSync } from 'node:fs';
import type { MountSettings } from '@k2hft/config';
import type { Negotiated } from '@k2hft/fuse';

/** Permission bits and owner of the directory that is mounted on. */
export interface RootOwner {
  mode: number;
  uid: number;
  gid: number;
}

/** How a worker comes by its mount. */
export type Mounting =
  /** The supervisor has made it, and the worker has /dev/fuse as {@link WORKER_FUSE_FD}. */
  | { driver: 'kernel'; negotiated: Negotiated }
  /** The worker makes it, and the mount ends with the worker. */
  | { driver: 'fuse-native'; source: string | undefined; flags: readonly string[]; allowOther: boolean };

/** What the supervisor hands to its children, as JSON on their standard input: settings may be of any length. */
export interface ChildArguments {
  settings: MountSettings;
  mountPoint: string;
  /** Names this mounting: another value than the stored one tells a worker that the mount is new. */
  mountId: string;
  mounting: Mounting;
  rootOwner: RootOwner;
  /** The mount is gone: only send the unfinished lines. */
  finishOnly: boolean;
}

/** File descriptors of a worker, beside the standard three. */
export const WORKER_FUSE_FD = 3;
/** The directory below the mount point, opened before the mount. */
export const WORKER_ROOT_FD = 4;
/** A socket pair with the supervisor: closed when the supervisor has died. */
export const WORKER_CONTROL_FD = 5;

/** Bytes that a worker sends to the supervisor. */
export const CONTROL_WAITING = 'w';
export const CONTROL_NOTHING_WAITS = 'n';
/** Of the driver fuse-native: the mount is there and time goes on. */
export const CONTROL_ALIVE = 'a';

/**
 * Buffers of a forwarder are made by one thread and freed by another. With an arena for each of them, as glibc has it,
 * 130 MB stay with the process after a long backlog; with one, 75 MB, at no cost that could be measured.
 */
export const FORWARDER_ENVIRONMENT: NodeJS.ProcessEnv = { MALLOC_ARENA_MAX: '1' };

/** Waits for the supervisor. Throws when it has died first. */
export function readChildArguments(): ChildArguments {
  const text = readFileSync(0, 'utf8');
  if (text === '') throw new Error('this program is started by k2hft mount, not by hand');
  return JSON.parse(text) as ChildArguments;
}
