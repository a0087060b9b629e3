import { stat } from 'node:fs/promises';
import { closeSync, openSync } from 'node:fs';
import { canonicalPoint } from './find-mount.js';
import { MountError } from './mount-error.js';
import { runProgram } from './run-program.js';

export interface MountOptions {
  /** Shown as the type `fuse.<subtype>`; letters, digits, `-` and `_`. */
  subtype: string;
  /** Shown as the source of the mount; the subtype when absent. */
  source?: string;
  /** Programs of other users may use it; true when absent. */
  allowOther?: boolean;
  /** The kernel checks owner and permission bits; true when absent. */
  defaultPermissions?: boolean;
  /** Further options for mount(8), such as `nosuid` or `ro`. */
  extraOptions?: readonly string[];
}

export interface UnmountOptions {
  /** Out of sight at once, gone when the last user is. */
  lazy?: boolean;
  /** Ends requests that wait for an answer. */
  force?: boolean;
}

/** Far above what mount(8) and umount(8) take, also on a busy machine. */
const PROGRAM_LIMIT_MS = 15_000;
const DEVICE = '/dev/fuse';

/**
 * Opens /dev/fuse and mounts it at `point`, an existing directory. The mount lives as long as any process holds the
 * returned descriptor; the caller closes it, and goes on with negotiate(). Throws {@link MountError}.
 */
export async function mountFuse(point: string, options: MountOptions): Promise<{ fd: number }> {
  if (process.getuid?.() !== 0) throw new MountError('needs_root', 'mounting needs root: run this as root');
  const canonical = await canonicalPoint(point);
  await checkDirectory(canonical);
  const fd = openDevice();
  try {
    await mountDevice(canonical, fd, options);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd };
}

async function checkDirectory(point: string): Promise<void> {
  const found = await stat(point).catch((cause: unknown) => {
    throw new MountError('not_a_directory', `cannot mount on ${point}: ${String(cause)}`, { cause });
  });
  if (!found.isDirectory())
    throw new MountError('not_a_directory', `cannot mount on ${point}: it is no directory`);
}

function openDevice(): number {
  try {
    return openSync(DEVICE, 'r+');
  } catch (cause) {
    throw new MountError(
      'no_device',
      `cannot open ${DEVICE}: load the kernel module fuse, and allow this device`,
      {
        cause,
      },
    );
  }
}

async function mountDevice(point: string, fd: number, options: MountOptions): Promise<void> {
  const {
    subtype,
    source = subtype,
    allowOther = true,
    defaultPermissions = true,
    extraOptions = [],
  } = options;
  const mountOptions = [
    // The descriptor's number in mount(8), which gets it as its first one after the standard three.
    'fd=3',
    // The file type of the top directory, in octal; the kernel checks it against the mount point.
    'rootmode=40000',
    'user_id=0',
    'group_id=0',
    ...(allowOther ? ['allow_other'] : []),
    ...(defaultPermissions ? ['default_permissions'] : []),
    ...extraOptions,
  ];
  // -i: no helper program named mount.fuse, which would want to start a server of its own.
  const args = ['-i', '-t', `fuse.${subtype}`, '-o', mountOptions.join(','), '--', source, point];
  const result = await runProgram('mount', args, { fd, limitMs: PROGRAM_LIMIT_MS });
  if (result.timedOut) throw new MountError('timeout', `mount(8) did not end within ${PROGRAM_LIMIT_MS} ms`);
  if (result.status !== 0)
    throw new MountError('mount_failed', `cannot mount on ${point}: ${result.complaint}`);
}

/**
 * Unmounts what is at `point`, also when its server is dead or hangs. A user other than root can take away what they
 * mounted themselves, by fusermount. Throws {@link MountError}, `busy` when in use.
 */
export async function fuseUnmount(point: string, options: UnmountOptions = {}): Promise<void> {
  const { command, args } = unmounting(await canonicalPoint(point), options);
  const result = await runProgram(command, args, { limitMs: PROGRAM_LIMIT_MS });
  if (result.timedOut)
    throw new MountError('timeout', `${command} did not end within ${PROGRAM_LIMIT_MS} ms`);
  if (result.status === 0) return;
  const busy = /busy/.test(result.complaint);
  throw new MountError(
    busy ? 'busy' : 'unmount_failed',
    `cannot unmount ${point}: ${result.complaint}${busy ? ' (end the programs that use it, or unmount lazily)' : ''}`,
  );
}

function unmounting(
  point: string,
  { lazy = false, force = false }: UnmountOptions,
): { command: string; args: string[] } {
  // fusermount has no counterpart of -f; taking a mount out of sight is enough where its server is dead.
  if (process.getuid?.() !== 0)
    return { command: 'fusermount', args: ['-u', ...(lazy ? ['-z'] : []), '--', point] };
  // -c: umount(8) does not look at the mount to find its canonical path; -i: no helper program.
  return {
    command: 'umount',
    args: ['-i', '-c', ...(lazy ? ['-l'] : []), ...(force ? ['-f'] : []), '--', point],
  };
}
