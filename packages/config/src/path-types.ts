import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Refused, scalar } from './scalar-types.js';
import type { Reading, ValueType } from './reading.js';

/** A path that may or may not exist; relative ones start at the folder of the file. Always absolute inside. */
export const path: ValueType<string> = scalar({
  expected: 'a path',
  parse: (found, reading) => absolute(found, reading),
  format: (value) => value,
});

/** A file, or a directory when it ends in a slash; the slash stays. */
export const fileOrDirectory: ValueType<string> = scalar({
  expected: 'a path; one that ends in a slash is a directory',
  parse(found, reading) {
    const value = absolute(found, reading);
    return typeof value === 'string' && found.endsWith('/') && value !== '/' ? `${value}/` : value;
  },
  format: (value) => value,
});

/** A path below the mount point, relative to it; a slash at its end stays. */
export const nameInMount: ValueType<string> = scalar({
  expected: 'a path relative to the mount point',
  parse(found) {
    const segments = found.replace(/\/$/, '').split('/');
    const isSound = !segments.some((segment) => ['', '.', '..'].includes(segment)) && !found.includes('\0');
    return isSound ? found : undefined;
  },
  format: (value) => value,
});

/** A file that must be there and readable now. */
export const existingFile: ValueType<string> = scalar({
  expected: 'a file that exists',
  parse(found, reading) {
    const value = absolute(found, reading);
    return typeof value === 'string' ? (findFileFault(value, constants.R_OK) ?? value) : value;
  },
  format: (value) => value,
});

/** The word of a command line that names the program: looked up in PATH, or a file when it holds a slash. */
export const program: ValueType<string> = scalar({
  expected: 'a program',
  parse(found, reading) {
    if (!found.includes('/'))
      return absolute(found, reading) instanceof Refused || found === '' ? undefined : found;
    const value = absolute(found, reading);
    return typeof value === 'string' ? (findFileFault(value, constants.X_OK) ?? value) : value;
  },
  format: (value) => value,
});

function absolute(found: string, reading: Reading): string | Refused | undefined {
  if (found === '') return undefined;
  return found.includes('\0') ? new Refused('a NUL character') : resolve(reading.shared.folder, found);
}

function findFileFault(file: string, mode: number): Refused | undefined {
  try {
    if (statSync(file).isDirectory()) return new Refused(`${file} is a directory`);
    accessSync(file, mode);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return new Refused(`there is no ${file}`);
    if (code === 'EACCES')
      return new Refused(`${file} may not be ${mode === constants.X_OK ? 'executed' : 'read'}`);
    return new Refused(`${file}: ${code}`);
  }
}
