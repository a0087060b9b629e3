import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Several test files may want packages at the same time: who holds this file is the one that installs. */
const LOCK_FILE = join(tmpdir(), 'k2hft-test-apt.lock');
/** For what others install on this machine meanwhile. */
const DPKG_LOCK_SECONDS = 600;
/** A mirror that does not answer is asked again, after pauses that double. */
const TRIES = 4;
const FIRST_PAUSE_SECONDS = 5;

/**
 * Tries until it works, under the lock. Lists that are there already may be good enough; those of a fresh machine are not, and
 * old ones name packages that are gone.
 *
 * Arguments: apt-get's options in $options; the packages.
 */
const INSTALL = `
pause=${FIRST_PAUSE_SECONDS}
left=${TRIES}
while :; do
  apt-get update $options
  apt-get install -y --no-install-recommends $options "$@" && exit 0
  left=$((left - 1))
  [ "$left" -gt 0 ] || exit 1
  sleep "$pause"
  pause=$((pause * 2))
done`;

const APT_OPTIONS = `-qq -o DPkg::Lock::Timeout=${DPKG_LOCK_SECONDS} -o Acquire::Retries=3`;

/**
 * Installs Debian packages when root and `isThere` does not hold; returns why a test has to be skipped, or undefined.
 *
 * @param what named when it is not there, such as a program
 */
export function whyNotInstalled(
  what: string,
  isThere: () => boolean,
  ...debianPackages: string[]
): string | undefined {
  if (isThere()) return undefined;
  let said = '';
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', options: APT_OPTIONS };
    const command = [LOCK_FILE, 'sh', '-c', INSTALL, 'sh', ...debianPackages];
    said = spawnSync('flock', command, { env, encoding: 'utf8' }).stderr.trim();
  }
  if (isThere()) return undefined;
  return `${what} is not installed (Debian: ${debianPackages.join(' ')})${said === '' ? '' : `: ${said}`}`;
}

/** As {@link whyNotInstalled}, for a program. */
export function whyNoProgram(program: string, ...debianPackages: string[]): string | undefined {
  const isThere = () => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  return whyNotInstalled(program, isThere, ...debianPackages);
}

/** Why the driver fuse-native cannot be tried; installs what it needs when root. */
export function whyNoSecondDriver(): string | undefined {
  const script = 'command -v fusermount && ldconfig -p | grep -q libfuse.so.2';
  const isThere = () => spawnSync('sh', ['-c', script]).status === 0;
  return whyNotInstalled('libfuse 2', isThere, 'libfuse2', 'fuse3', 'util-linux');
}
