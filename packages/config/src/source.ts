import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { isLegacyIni } from './legacy/index.js';
import { parseIni } from './parse-ini.js';
import { parseJson } from './parse-json.js';
import { parseYaml, type Parsed } from './parse-yaml.js';
import { ConfigError } from './problems.js';
import { textOrFile } from './text-or-file.js';

/** A configuration before it is read. */
export interface Source {
  /** How messages call it. */
  readonly file: string;
  /** Absolute; relative paths in it start here. */
  readonly folder: string;
  readonly text: string;
  readonly dialect: Dialect;
}

export type Dialect = 'yaml' | 'json' | 'ini';

/** Where a command looks for its configuration. */
export interface SourceNames {
  readonly fileVariable: string;
  readonly jsonVariable: string;
  /** Those of K2HFTFUSE, looked at last: the content of each decides whether it is a file or a text. */
  readonly legacyVariables: readonly string[];
  /** A file to start from, in the examples. */
  readonly example: string;
}

export interface SourceInput {
  readonly file?: string | undefined;
  readonly json?: string | undefined;
}

const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['.yaml', 'yaml'],
  ['.yml', 'yaml'],
  ['.json', 'json'],
  ['.ini', 'ini'],
  ['.conf', 'ini'],
]);

const PARSERS: Readonly<Record<Dialect, (text: string) => Parsed>> = {
  yaml: parseYaml,
  json: parseJson,
  ini: parseIni,
};

/** Reads our own keys in that dialect. */
export function parserOf(dialect: Dialect): (text: string) => Parsed {
  return PARSERS[dialect];
}

/** The command line wins over the environment; there, the file wins over the text. */
export function openSource(input: SourceInput, env: NodeJS.ProcessEnv, names: SourceNames): Source {
  const given = { file: nonempty(input.file), json: nonempty(input.json) };
  if (given.file !== undefined && given.json !== undefined) {
    throw new ConfigError('invalid', [
      {
        file: '--json',
        line: 0,
        column: 0,
        key: '',
        message: `${given.file} is given as well; give one of the two`,
      },
    ]);
  }
  if (given.file !== undefined) return openFile(given.file);
  if (given.json !== undefined) return textSource(given.json, '--json');
  const file = nonempty(env[names.fileVariable]);
  if (file !== undefined) return openFile(file);
  const json = nonempty(env[names.jsonVariable]);
  if (json !== undefined) return jsonSource(json, names.jsonVariable);
  for (const variable of names.legacyVariables) {
    const value = nonempty(env[variable]);
    if (value !== undefined) return textSource(value, variable);
  }
  const message =
    `no configuration: give a file with -c FILE or a text with --json STR, or set ${names.fileVariable} or ` +
    `${names.jsonVariable}; configs/${names.example} is an example to start from`;
  throw new ConfigError('no_configuration', [{ file: '', line: 0, column: 0, key: '', message }]);
}

function nonempty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function jsonSource(text: string, file: string): Source {
  return { file, folder: process.cwd(), text, dialect: 'json' };
}

/** A text, or the path of a file, as its content says. */
function textSource(value: string, name: string): Source {
  const given = textOrFile(value);
  return 'json' in given ? jsonSource(given.json, name) : openFile(given.file);
}

function openFile(file: string): Source {
  const extension = extname(file).toLowerCase();
  // A name without an extension is INI for K2HFTFUSE, and for nobody else.
  const dialect = DIALECTS.get(extension) ?? (extension === '' ? legacyDialect(file) : undefined);
  if (dialect === undefined) {
    const known = [...DIALECTS.keys()].join(' ');
    const found = extension === '' ? 'none' : JSON.stringify(extension);
    throw unreadable(
      file,
      `the extension tells how a file is written: expected one of ${known}, found ${found}`,
    );
  }
  return { file, folder: dirname(resolve(file)), text: readText(file), dialect };
}

function legacyDialect(file: string): Dialect | undefined {
  return existsSync(file) && isLegacyIni(readText(file)) ? 'ini' : undefined;
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw unreadable(file, code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${code}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(file, 'is not UTF-8 text');
  }
}

function unreadable(file: string, message: string): ConfigError {
  return new ConfigError('unreadable', [{ file, line: 0, column: 0, key: '', message }]);
}
