import { spawnSync } from 'node:child_process';
import { MountOptionError } from './mount-options.js';

/** The largest id of Linux; the one above it means "no id". */
const ID_MAX = 4_294_967_294;

/** The number of a user or group that is given as a number or as a name. Throws MountOptionError. */
export function resolveId(kind: 'uid' | 'gid', text: string): number {
  const isNumber = /^\d+$/.test(text);
  const id = isNumber ? Number(text) : lookUp(kind, text);
  if (id === undefined || id > ID_MAX) {
    const what = kind === 'uid' ? 'user' : 'group';
    throw new MountOptionError(
      `${kind}=${text}: ${isNumber ? 'no id is so large' : `there is no such ${what}`}`,
    );
  }
  return id;
}

/** getent(1) asks whatever the system is told to ask: files, LDAP and so on. */
function lookUp(kind: 'uid' | 'gid', name: string): number | undefined {
  const database = kind === 'uid' ? 'passwd' : 'group';
  const { stdout } = spawnSync('getent', [database, '--', name], { encoding: 'utf8' });
  const field = /^[^:]*:[^:]*:(\d+):/.exec(stdout)?.[1];
  return field === undefined ? undefined : Number(field);
}
