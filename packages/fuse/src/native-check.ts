import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { whyNoNativeDriver } from './native-binding.js';
import { MountError } from './mount-error.js';
import { runProgram } from './run-program.js';

const CONFIGURATION = '/etc/fuse.conf';
/** Printing a version takes no time; a machine may be busy. */
const VERSION_LIMIT_MS = 15_000;

/**
 * Finds out whether the second driver can mount on the directory `point`, where nothing is mounted: what it says itself is
 * "fuse failed". Throws {@link MountError} `no_driver`, `no_program`, `mount_failed`.
 */
export async function checkNativeMount(point: string): Promise<void> {
  const reason = whyNoNativeDriver();
  if (reason !== undefined) throw new MountError('no_driver', reason);
  if (!isRoot()) await checkHelper();
  const absolute = resolve(point);
  // fuse-native takes such a directory for one that is in use.
  if (statSync(absolute).dev !== statSync(dirname(absolute)).dev) {
    throw new MountError(
      'mount_failed',
      `the driver fuse-native cannot mount on ${absolute}, which is itself the top of a file system: mount on a directory below it`,
    );
  }
}

/** Whether this user may let other users' programs into a mount. */
export function mayAllowOther(): boolean {
  if (isRoot()) return true;
  try {
    return /^\s*user_allow_other\s*$/m.test(readFileSync(CONFIGURATION, 'utf8'));
  } catch {
    return false;
  }
}

async function checkHelper(): Promise<void> {
  try {
    await runProgram('fusermount', ['-V'], { limitMs: VERSION_LIMIT_MS });
  } catch (cause) {
    throw new MountError(
      'no_program',
      'mounting without root needs fusermount: install it (Debian: apt-get install fuse3)',
      { cause },
    );
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
