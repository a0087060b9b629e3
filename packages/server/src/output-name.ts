import { createHash } from 'node:crypto';

/*
 * Names of output files are byte strings: each character is one byte. They come from the network and must never
 * lead out of the output directory.
 */

/** Longest name of one directory entry on every file system that is in use on Linux (NAME_MAX). */
const SEGMENT_BYTES_MAX = 255;

/** Longest path of a system call (PATH_MAX), with its closing NUL. */
const PATH_BYTES_MAX = 4096;

/**
 * Directory, inside the output directory, for what cannot be written under its own name. No source can name it: so it
 * holds plain files only, and nothing that a source sends can keep a file from being made there.
 */
const REFUSED_DIRECTORY = '_refused';

/** Bytes of an escaped name that are kept in front of the hash when it is too long. */
const ESCAPED_BYTES_KEPT = 160;

/**
 * Says why `name`, relative to a directory whose path has `directoryBytes` bytes, cannot be the name of an output file;
 * undefined when it can.
 */
export function refusalOf(name: string, directoryBytes: number): string | undefined {
  if (name === '') return 'it is empty';
  if (name.includes('\0')) return 'it holds a NUL';
  if (name.startsWith('/')) return 'it is absolute';
  if (directoryBytes + 1 + name.length >= PATH_BYTES_MAX) return `it is longer than a path can be`;
  const segments = name.split('/');
  if (segments[0] === REFUSED_DIRECTORY) return `"${REFUSED_DIRECTORY}" is reserved`;
  for (const segment of segments) {
    if (segment === '') return 'a part of it is empty';
    if (segment === '.' || segment === '..') return `it has "${segment}" in it`;
    if (segment.length > SEGMENT_BYTES_MAX) return `a part of it is longer than ${SEGMENT_BYTES_MAX} bytes`;
  }
  return undefined;
}

/**
 * Where the bytes go that cannot be written under `name`: one plain file name below {@link REFUSED_DIRECTORY}, that
 * differs for different names.
 */
export function quarantineName(name: string): string {
  const escaped = name.replace(/[^A-Za-z0-9._-]|^\./g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  if (escaped !== '' && escaped.length <= SEGMENT_BYTES_MAX) return `${REFUSED_DIRECTORY}/${escaped}`;
  const hash = createHash('sha256').update(name, 'latin1').digest('hex');
  return `${REFUSED_DIRECTORY}/${escaped.slice(0, ESCAPED_BYTES_KEPT)}-${hash}`;
}

/** True for what {@link quarantineName} gives. */
export function isQuarantineName(name: string): boolean {
  return /^_refused\/[A-Za-z0-9_%-][A-Za-z0-9._%-]*$/.test(name);
}
