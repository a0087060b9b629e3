import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTrustedFolder } from './trusted-folder.js';

/** Where running mounts tell of themselves, for `k2hft status` and `k2hft umount` of the same user. Emptied by the system at boot. */
const REGISTRY_FOLDER = registryFolder();
const SUFFIX = '.mount.json';

export interface RegisteredMount {
  mountPoint: string;
  supervisorPid: number;
  queueDir: string;
  statusSocket: string;
}

function registryFolder(): string {
  const user = process.getuid?.() ?? 0;
  if (user === 0) return '/run/k2hft';
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return join(runtime ?? '/tmp', runtime === undefined ? `k2hft-${user}` : 'k2hft');
}

/** A file name for a mount point: the path with its separators escaped, as systemd names mount units. */
function mountName(mountPoint: string): string {
  const text = mountPoint.replace(/^\/+|\/+$/g, '');
  if (text === '') return '-';
  return text
    .replace(/[^A-Za-z0-9_.:/]/g, (character) => {
      const bytes = [...Buffer.from(character)];
      return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
    })
    .replaceAll('/', '-');
}

export function defaultStatusSocket(mountPoint: string): string {
  return join(REGISTRY_FOLDER, `${mountName(mountPoint)}.sock`);
}

export function registerMount(mount: RegisteredMount): void {
  makeTrustedFolder(REGISTRY_FOLDER);
  const path = registryPath(mount.mountPoint);
  writeFileSync(`${path}.new`, JSON.stringify(mount), { mode: 0o644 });
  renameSync(`${path}.new`, path);
}

/** A file that stays is passed over by its process id: nothing depends on this. */
export function unregisterMount(mountPoint: string): void {
  try {
    rmSync(registryPath(mountPoint), { force: true });
  } catch {
    // The folder may be read-only, or the name too long to have been written.
  }
}

/** The registered mounts whose supervisor lives. */
export function registeredMounts(): RegisteredMount[] {
  let names: string[];
  try {
    names = readdirSync(REGISTRY_FOLDER);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith(SUFFIX) && isOwn(join(REGISTRY_FOLDER, name)))
    .map((name) => JSON.parse(readFileSync(join(REGISTRY_FOLDER, name), 'utf8')) as RegisteredMount)
    .filter(({ supervisorPid }) => isAlive(supervisorPid) && isSupervisor(supervisorPid));
}

/** In a folder that everybody can write to, somebody else may have been there first. */
function isOwn(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

/** False also for a process that has ended and that its parent has not noticed yet. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The state stands behind the name, which is in parentheses and may hold some itself.
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    return false;
  }
}

/** Sends a signal to a process that may end by itself at this very moment. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The process id of a supervisor that was killed may be somebody else's by now. */
function isSupervisor(pid: number): boolean {
  try {
    return /k2hft(\.js)?\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

function registryPath(mountPoint: string): string {
  return join(REGISTRY_FOLDER, `${mountName(mountPoint)}${SUFFIX}`);
}
