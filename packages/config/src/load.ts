import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { mountSchema } from './mount-schema.js';
import type { MountSettings } from './mount-settings.js';
import { ConfigError, inFileOrder, type Problem } from './problems.js';
import { FAILED, Reading, type ValueType } from './reading.js';
import { serverSchema } from './server-schema.js';
import type { ServerSettings } from './server-settings.js';
import { openSource, type Source, type SourceInput } from './source.js';
import type { Lookup } from './variables.js';

export interface LoadInput extends SourceInput {
  /** A file: YAML, JSON or INI, by its extension. */
  readonly file?: string | undefined;
  /** The text of a configuration in JSON, instead of a file; relative paths in it start at the working directory. */
  readonly json?: string | undefined;
  /** Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface MountLoadInput extends LoadInput {
  /** The mount point of the command line, relative to the working directory; wins over that of the file. */
  readonly point?: string | undefined;
}

/**
 * The settings of `k2hft`, from a file, a JSON text, or what K2HFT_CONFIG (a file) or K2HFT_JSON (a text) name.
 *
 * @throws ConfigError with everything that is wrong
 */
export function loadMountSettings(input: MountLoadInput): MountSettings {
  const env = input.env ?? process.env;
  const names = { fileVariable: 'K2HFT_CONFIG', jsonVariable: 'K2HFT_JSON', example: 'k2hft.yaml' };
  const settings = readSource(openSource(input, env, names), mountSchema, env);
  if (input.point === undefined || input.point === '') return settings;
  return { ...settings, mount: { ...settings.mount, point: resolve(input.point) } };
}

/**
 * The settings of `k2hft-svr`, from a file, a JSON text, or what K2HFT_SVR_CONFIG (a file) or K2HFT_SVR_JSON
 * (a text) name.
 *
 * @throws ConfigError with everything that is wrong
 */
export function loadServerSettings(input: LoadInput): ServerSettings {
  const env = input.env ?? process.env;
  const names = {
    fileVariable: 'K2HFT_SVR_CONFIG',
    jsonVariable: 'K2HFT_SVR_JSON',
    example: 'k2hft-svr.yaml',
  };
  return readSource(openSource(input, env, names), serverSchema, env);
}

function readSource<S>(source: Source, schema: ValueType<S>, env: NodeJS.ProcessEnv): S {
  const parsed = source.parse(source.text);
  const problems: Problem[] = parsed.problems.map(({ place, key = '', message }) => ({
    file: source.file,
    line: place.line,
    column: place.column,
    key,
    message,
  }));
  if (parsed.root === undefined) throw new ConfigError('invalid', inFileOrder(problems));
  const { file, folder } = source;
  const reading = new Reading({ file, folder, lookup: variablesOf(env), knownKeys: schema.keys, problems });
  const settings = schema.read(parsed.root, reading);
  if (settings === FAILED || problems.length > 0) throw new ConfigError('invalid', inFileOrder(problems));
  return settings;
}

/** HOSTNAME is set by shells but rarely exported, so the system's answer stands in for it. */
function variablesOf(env: NodeJS.ProcessEnv): Lookup {
  return (name) => {
    const value = env[name];
    return name === 'HOSTNAME' && (value === undefined || value === '') ? hostname() : value;
  };
}
