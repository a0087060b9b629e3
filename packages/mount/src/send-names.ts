import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { printableName } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';

/** A file that is to be sent. */
export interface NamedFile {
  /** Absolute. */
  readonly file: ByteString;
  /** What its records carry: relative to the mount point. */
  readonly path: ByteString;
  /** It was named itself; else it was found in a directory. */
  readonly isNamed: boolean;
}

export interface NamedFiles {
  readonly files: readonly NamedFile[];
  /** What cannot be sent, and why. */
  readonly refused: readonly string[];
}

/** Absolute paths, as they were named. */
export interface NamesToSend {
  readonly names: readonly string[];
  readonly mountPoint: string;
  /** The path of the records of the one file. */
  readonly as: string | undefined;
}

/** Finds the files that are meant. Directories are searched; symbolic links are not followed. */
export function findFiles({ names, mountPoint, as }: NamesToSend): NamedFiles {
  const files: NamedFile[] = [];
  const refused: string[] = [];
  const point = bytesOf(realpathSync(mountPoint));
  for (const name of names) {
    const file = bytesOf(canonical(name));
    const path = as === undefined ? relativeTo(point, file) : bytesOf(as);
    const stat = lstatSync(toBuffer(file), { throwIfNoEntry: false });
    if (stat === undefined) refused.push(`${printableName(file)}: there is no such file`);
    else if (stat.isSymbolicLink())
      refused.push(`${printableName(file)} is a symbolic link: name the file that it leads to`);
    else if (path === undefined)
      refused.push(
        `${printableName(file)} does not lie below ${mountPoint}: say with --as PATH what its records shall be called there`,
      );
    else if (stat.isFile()) files.push({ file, path, isNamed: true });
    else if (stat.isDirectory() && as === undefined) files.push(...filesBelow(file, path));
    else refused.push(`${printableName(file)} is no ordinary file`);
  }
  return { files, refused };
}

/** The last component stays as it is: a link is not followed. */
function canonical(name: string): string {
  try {
    return name === '/' ? name : join(realpathSync(dirname(name)), basename(name));
  } catch {
    // Whoever opens it tells why.
    return name;
  }
}

/** undefined: it does not lie below; empty: it is the point itself. */
function relativeTo(point: ByteString, file: ByteString): ByteString | undefined {
  if (file === point) return '';
  const prefix = point === '/' ? point : `${point}/`;
  return file.startsWith(prefix) ? file.slice(prefix.length) : undefined;
}

function* filesBelow(folder: ByteString, path: ByteString): Generator<NamedFile> {
  const entries = readdirSync(toBuffer(folder), { withFileTypes: true, encoding: 'buffer' });
  const named = entries.map((entry) => ({ entry, name: entry.name.toString('latin1') }));
  named.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { entry, name } of named) {
    const [file, inside] = [`${folder}/${name}`, path === '' ? name : `${path}/${name}`];
    if (entry.isDirectory()) yield* filesBelow(file, inside);
    else if (entry.isFile()) yield { file, path: inside, isNamed: false };
  }
}

function bytesOf(text: string): ByteString {
  return Buffer.from(text).toString('latin1');
}

export function toBuffer(path: ByteString): Buffer {
  return Buffer.from(path, 'latin1');
}
