import { FuseError } from './errno.js';
import type { ByteString } from './operations.js';

/*
 * fuse-native gives and takes paths as texts, decoded as UTF-8; operations know names as byte strings. A name that is no
 * UTF-8 does not survive this.
 */

/** The names along a path; none for the top. */
export function namesOf(path: string): ByteString[] {
  return path
    .split('/')
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name, 'utf8').toString('latin1'));
}

/** The last name of a path, and those before it. */
export function splitLast(path: string): { parent: ByteString[]; last: ByteString } {
  const parent = namesOf(path);
  const last = parent.pop();
  if (last === undefined) throw new FuseError('EBUSY');
  return { parent, last };
}

export function toText(name: ByteString): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}
