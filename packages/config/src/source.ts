import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { parseIni } from './parse-ini.js';
import { parseJson } from './parse-json.js';
import { parseYaml, type Parsed } from './parse-yaml.js';
import { ConfigError } from './problems.js';

/** A configuration before it is read. */
export interface Source {
  /** How messages call it. */
  readonly file: string;
  /** Absolute; relative paths in it start here. */
  readonly folder: string;
  readonly text: string;
  readonly parse: (text: string) => Parsed;
}

/** Where a command looks for its configuration. */
export interface SourceNames {
  readonly fileVariable: string;
  readonly jsonVariable: string;
  /** A file to start from, in the examples. */
  readonly example: string;
}

export interface SourceInput {
  readonly file?: string | undefined;
  readonly json?: string | undefined;
}

const PARSERS: ReadonlyMap<string, (text: string) => Parsed> = new Map([
  ['.yaml', parseYaml],
  ['.yml', parseYaml],
  ['.json', parseJson],
  ['.ini', parseIni],
  ['.conf', parseIni],
]);

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
  if (given.json !== undefined) return jsonSource(given.json, '--json');
  const file = nonempty(env[names.fileVariable]);
  if (file !== undefined) return openFile(file);
  const json = nonempty(env[names.jsonVariable]);
  if (json !== undefined) return jsonSource(json, names.jsonVariable);
  const message =
    `no configuration: give a file with -c FILE or a text with --json STR, or set ${names.fileVariable} or ` +
    `${names.jsonVariable}; configs/${names.example} is an example to start from`;
  throw new ConfigError('no_configuration', [{ file: '', line: 0, column: 0, key: '', message }]);
}

function nonempty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function jsonSource(text: string, file: string): Source {
  return { file, folder: process.cwd(), text, parse: parseJson };
}

function openFile(file: string): Source {
  const extension = extname(file).toLowerCase();
  const parse = PARSERS.get(extension);
  if (parse === undefined) {
    const known = [...PARSERS.keys()].join(' ');
    const found = extension === '' ? 'none' : JSON.stringify(extension);
    throw unreadable(
      file,
      `the extension tells how a file is written: expected one of ${known}, found ${found}`,
    );
  }
  return { file, folder: dirname(resolve(file)), text: readText(file), parse };
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
