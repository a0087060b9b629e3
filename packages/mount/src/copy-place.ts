import { closeSync, constants, mkdirSync, openSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseMountinfo, type ByteString } from '@k2hft/fuse';
import { errorCode } from './handles-descriptors.js';
import { descriptorPath, O_PATH_NOFOLLOW, pathBytes } from './overlay-paths.js';

/** As many as the kernel follows (path_resolution(7)). */
const LINKS_MAX = 40;

/** Why a copy cannot be written, where no error of the system says it. */
export class CopyError extends Error {
  constructor(
    readonly code: 'INTO_MOUNT' | 'NO_FILE',
    message: string,
  ) {
    super(message);
    this.name = 'CopyError';
  }
}

/**
 * Every place where this mount can be entered, found without touching it. `mountPoint` may have symbolic links in it;
 * the mount may have been bound to further places.
 */
export function ownMountPoints(mountPoint: string): ReadonlySet<ByteString> {
  const canonical = Buffer.from(canonicalPoint(mountPoint)).toString('latin1');
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'latin1'));
  const own = mounts.findLast(({ point }) => point === canonical);
  const points = mounts.filter(({ device }) => device === own?.device).map(({ point }) => point);
  return new Set([canonical, ...points]);
}

/** readlink(2) on the top directory of a mount is answered by the kernel alone: it is no symbolic link. */
function canonicalPoint(point: string): string {
  const absolute = resolve(point);
  const found = lookAt(Buffer.from(absolute));
  if (found.kind === 'link')
    return canonicalPoint(resolve(dirname(absolute), Buffer.from(found.target, 'latin1').toString()));
  return join(realpathSync(dirname(absolute)), basename(absolute));
}

/**
 * The path without symbolic links. Directories that are missing on the way are made when a mode for them is given. The worker must never ask its own mount for
 * anything, since nobody would answer: a path that leads there is refused before it is touched.
 */
export function placeOf(
  path: ByteString,
  forbidden: ReadonlySet<ByteString>,
  makesWith: number | undefined,
): ByteString {
  const left = path.split('/');
  let place = '';
  let links = 0;
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      place = place.slice(0, Math.max(0, place.lastIndexOf('/')));
      continue;
    }
    const next = `${place}/${name}`;
    if (forbidden.has(next)) throw intoMount();
    const found = lookAt(pathBytes(next));
    if (found.kind === 'link') {
      if (++links > LINKS_MAX) throw new CopyError('NO_FILE', 'there are too many symbolic links on its way');
      if (found.target.startsWith('/')) place = '';
      left.unshift(...found.target.split('/'));
      continue;
    }
    const isDirectory = left.some((later) => later !== '');
    if (found.kind === 'missing' && isDirectory && makesWith !== undefined) makeDirectory(next, makesWith);
    place = next;
  }
  return place === '' ? '/' : place;
}

/** Throws when a way of names, none of them a symbolic link, leads to a place that must not be touched. */
export function refuseMount(
  base: ByteString,
  names: readonly ByteString[],
  forbidden: ReadonlySet<ByteString>,
): void {
  let place = base === '/' ? '' : base;
  for (const name of names) {
    place = `${place}/${name}`;
    if (forbidden.has(place)) throw intoMount();
  }
}

function intoMount(): CopyError {
  return new CopyError(
    'INTO_MOUNT',
    'a symbolic link on its way leads into the mount: name the path below the mount point instead',
  );
}

type Looked = { kind: 'link'; target: ByteString } | { kind: 'missing' } | { kind: 'other' };

function lookAt(path: Buffer): Looked {
  try {
    return { kind: 'link', target: readlinkSync(path, 'latin1') };
  } catch (error) {
    return { kind: errorCode(error) === 'ENOENT' ? 'missing' : 'other' };
  }
}

/**
 * Runs `action` with a path of the directory that these names lead to below `directory`; missing ones are made when a mode for
 * them is given. Each is
 * held open while the next is looked up, and none is followed when it is a symbolic link: whoever may write there could
 * put one in a directory's place, and the worker has more rights than they.
 */
export function inDirectory<T>(
  directory: ByteString,
  names: readonly ByteString[],
  makesWith: number | undefined,
  action: (directory: ByteString) => T,
): T {
  let fd = openSync(pathBytes(directory), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const name of names) {
      const below = openBelow(`${descriptorPath(fd)}/${name}`, makesWith);
      closeSync(fd);
      fd = below;
    }
    return action(descriptorPath(fd));
  } finally {
    closeSync(fd);
  }
}

function openBelow(path: ByteString, makesWith: number | undefined): number {
  const flags = O_PATH_NOFOLLOW | constants.O_DIRECTORY;
  try {
    return openSync(pathBytes(path), flags);
  } catch (error) {
    if (makesWith === undefined || errorCode(error) !== 'ENOENT') throw error;
    makeDirectory(path, makesWith);
    return openSync(pathBytes(path), flags);
  }
}

/** Of several who make it at the same time, all have what they want. */
function makeDirectory(path: ByteString, mode: number): void {
  try {
    mkdirSync(pathBytes(path), { mode });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}
