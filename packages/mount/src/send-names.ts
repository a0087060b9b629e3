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
  const finder = new Finder(bytesOf(realPath(mountPoint)), mountPoint, as);
  for (const name of names) finder.find(bytesOf(canonical(name)));
  return finder;
}

class Finder implements NamedFiles {
  readonly files: NamedFile[] = [];
  readonly refused: string[] = [];

  constructor(
    private readonly point: ByteString,
    private readonly shownPoint: string,
    private readonly as: string | undefined,
  ) {}

  find(file: ByteString): void {
    const name = printableName(file);
    const path = this.as === undefined ? relativeTo(this.point, file) : bytesOf(this.as);
    if (path === undefined) {
      this.refused.push(
        `${name} does not lie below ${this.shownPoint}: say with --as PATH what its records shall be called there`,
      );
      return;
    }
    this.attempt(file, () => {
      const stat = lstatSync(toBuffer(file));
      if (stat.isFile()) this.files.push({ file, path, isNamed: true });
      else if (stat.isDirectory() && this.as === undefined) this.findBelow(file, path);
      else if (stat.isSymbolicLink())
        this.refused.push(`${name} is a symbolic link: name the file that it leads to`);
      else this.refused.push(`${name} is no ordinary file`);
    });
  }

  private findBelow(folder: ByteString, path: ByteString): void {
    const entries = readdirSync(toBuffer(folder), { withFileTypes: true, encoding: 'buffer' });
    const named = entries.map((entry) => ({ entry, name: entry.name.toString('latin1') }));
    named.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { entry, name } of named) {
      const [file, inside] = [`${folder}/${name}`, path === '' ? name : `${path}/${name}`];
      if (entry.isFile()) this.files.push({ file, path: inside, isNamed: false });
      else if (entry.isDirectory())
        this.attempt(file, () => {
          this.findBelow(file, inside);
        });
    }
  }

  /** What cannot be looked at is refused, and the others are sent all the same. */
  private attempt(file: ByteString, look: () => void): void {
    try {
      look();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : String(error);
      this.refused.push(`${printableName(file)}: ${reason}`);
    }
  }
}

/** The last component stays as it is: a link is not followed. */
export function canonical(name: string): string {
  return name === '/' ? name : join(realPath(dirname(name)), basename(name));
}

/** Of what is missing, or hidden by a mount, the part that is there counts. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Whoever looks into it tells why.
    return path === '/' ? path : join(realPath(dirname(path)), basename(path));
  }
}

/** undefined: it does not lie below; empty: it is the point itself. */
function relativeTo(point: ByteString, file: ByteString): ByteString | undefined {
  if (file === point) return '';
  const prefix = point === '/' ? point : `${point}/`;
  return file.startsWith(prefix) ? file.slice(prefix.length) : undefined;
}

function bytesOf(text: string): ByteString {
  return Buffer.from(text).toString('latin1');
}

export function toBuffer(path: ByteString): Buffer {
  return Buffer.from(path, 'latin1');
}
