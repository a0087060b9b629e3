import { spawnSync } from 'node:child_process';

/** apt runs one at a time: another test's installation is waited for. */
const LOCK_SECONDS = 120;

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
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = ['-qq', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`];
    spawnSync('apt-get', ['update', ...options], { env });
    spawnSync('apt-get', ['install', '-y', ...options, '--no-install-recommends', ...debianPackages], {
      env,
    });
  }
  return isThere() ? undefined : `${what} is not installed (Debian: ${debianPackages.join(' ')})`;
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
