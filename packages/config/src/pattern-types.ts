import { Refused, text } from './scalar-types.js';
import type { ValueType } from './reading.js';

/** A regular expression with the flags that it is compiled with later. */
export const regularExpression: ValueType<string> = text(
  'a regular expression (JavaScript, u flag)',
  (found) => {
    try {
      new RegExp(found, 'u');
      return undefined;
    } catch (error) {
      return new Refused(error instanceof Error ? error.message : String(error));
    }
  },
);

/** A pattern for paths below the mount point. */
export const glob: ValueType<string> = text(
  'a glob relative to the mount point, such as "*.log" or "**"',
  (found) => {
    const reason = findGlobFault(found);
    return reason === undefined ? undefined : new Refused(reason);
  },
);

/** Why `pattern` could never match a path as it was meant; undefined when nothing is wrong. */
function findGlobFault(pattern: string): string | undefined {
  if (pattern.includes('\0')) return 'a NUL character';
  if (pattern.startsWith('/')) return 'it begins with a slash, but paths are relative to the mount point';
  if (pattern.endsWith('/')) return 'it ends with a slash, but only files are matched; append **';
  const segments = pattern.split('/');
  if (segments.includes('')) return 'two slashes in a row';
  if (segments.includes('.') || segments.includes('..')) return 'no path contains . or ..';
  return findBracketFault(pattern);
}

function findBracketFault(pattern: string): string | undefined {
  let bracesOpen = 0;
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index];
    if (character === '\\') {
      index++;
      if (index === pattern.length) return 'nothing follows the last backslash';
    } else if (character === '[') {
      const end = findSetEnd(pattern, index);
      if (end === undefined) return 'a [ without its ]';
      index = end;
    } else if (character === '{') {
      bracesOpen++;
    } else if (character === '}' && --bracesOpen < 0) {
      return 'a } without its {';
    }
  }
  return bracesOpen > 0 ? 'a { without its }' : undefined;
}

/** A `]` that comes first in a set, also after `!` or `^`, is a member of it. */
function findSetEnd(pattern: string, open: number): number | undefined {
  const first = open + (/[!^]/.test(pattern[open + 1] ?? '') ? 2 : 1);
  const end = pattern.indexOf(']', first + 1);
  const slash = pattern.indexOf('/', first);
  return end === -1 || (slash !== -1 && slash < end) ? undefined : end;
}

const RECORD_FIELDS = ['%H', '%P', '%U', '%G', '%F', '%f', '%T', '%L', '%l', '%{trimmed}', '%%'];
const RECORD_CHARACTERS = ['\\n', '\\t', '\\r', '\\a', '\\b', '\\f', '\\v', '\\\\'];
const RECORD_ESCAPES = [...RECORD_FIELDS, ...RECORD_CHARACTERS, '\\xHH'];

/** How a record is written into the aggregated file. */
export const recordFormat: ValueType<string> = text('a format such as "%T %H %L"', (found) => {
  for (const [escape] of found.matchAll(/%\{[^}]*\}?|\\x[0-9A-Fa-f]{0,2}|[%\\].?/gsu)) {
    const isByte = escape.startsWith('\\x') && escape.length === 4;
    if (!isByte && !RECORD_ESCAPES.includes(escape)) {
      return new Refused(`"${escape}" is unknown; known are ${RECORD_ESCAPES.join(' ')}`);
    }
  }
  return undefined;
});

const PATH_PARTS = /\{(?:host|path|dir|file|date:[^{}]+)\}/g;

/** Where the records of a stream go, below the output folder. */
export const outputPath: ValueType<string> = text(
  'a path below output.dir such as "{host}/{path}"',
  (found) => {
    const literal = found.replace(PATH_PARTS, 'x');
    if (/[{}]/.test(literal)) {
      return new Refused('known are {host} {path} {dir} {file} and {date:...}, such as {date:%Y-%m-%d}');
    }
    if (literal.includes('\0')) return new Refused('a NUL character');
    if (literal.startsWith('/')) return new Refused('it begins with a slash');
    if (literal.endsWith('/')) return new Refused('it ends with a slash, but names a file');
    const segments = literal.split('/');
    if (segments.includes('')) return new Refused('two slashes in a row');
    return segments.includes('.') || segments.includes('..')
      ? new Refused('no part of it may be . or ..')
      : undefined;
  },
);
