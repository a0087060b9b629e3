import { hostname } from 'node:os';
import { resolve } from 'node:path';
import {
  Findings,
  isLegacyIni,
  isLegacyYaml,
  readLegacyIni,
  readLegacyYaml,
  translateForMount,
  translateForServer,
  type LegacyDocument,
} from './legacy/index.js';
import { mountSchema } from './mount-schema.js';
import type { MountSettings } from './mount-settings.js';
import type { Note } from './notes.js';
import type { Parsed } from './parse-yaml.js';
import { ConfigError, inFileOrder, type SyntaxProblem } from './problems.js';
import { FAILED, Reading, type ValueType } from './reading.js';
import { serverSchema } from './server-schema.js';
import type { ServerSettings } from './server-settings.js';
import { openSource, parserOf, type Source, type SourceInput, type SourceNames } from './source.js';
import type { MapNode, TreeNode } from './tree.js';
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

/** Settings, and what is worth knowing of the configuration that they come from. */
export interface Loaded<S> {
  readonly settings: S;
  readonly notes: readonly Note[];
}

const MOUNT_NAMES: SourceNames = {
  fileVariable: 'K2HFT_CONFIG',
  jsonVariable: 'K2HFT_JSON',
  legacyVariables: ['K2HFTCONFFILE', 'K2HFTJSONCONF'],
  example: 'k2hft.yaml',
};

const SERVER_NAMES: SourceNames = {
  fileVariable: 'K2HFT_SVR_CONFIG',
  jsonVariable: 'K2HFT_SVR_JSON',
  legacyVariables: ['K2HFTSVRCONFFILE', 'K2HFTSVRJSONCONF'],
  example: 'k2hft-svr.yaml',
};

/**
 * The settings of `k2hft`, from a file, a JSON text, or what K2HFT_CONFIG (a file) or K2HFT_JSON (a text) name. A
 * configuration of K2HFTFUSE, also one that its variables K2HFTCONFFILE and K2HFTJSONCONF name, is translated.
 *
 * @throws ConfigError with everything that is wrong
 */
export function loadMountConfiguration(input: MountLoadInput): Loaded<MountSettings> {
  const env = input.env ?? process.env;
  const point = input.point === undefined || input.point === '' ? undefined : resolve(input.point);
  const loaded = readSource(openSource(input, env, MOUNT_NAMES), mountSchema, env, (document, findings) =>
    translateForMount(document, { point, env }, findings),
  );
  if (point === undefined) return loaded;
  const { settings, notes } = loaded;
  return { settings: { ...settings, mount: { ...settings.mount, point } }, notes };
}

/** {@link loadMountConfiguration} without the notes. */
export function loadMountSettings(input: MountLoadInput): MountSettings {
  return loadMountConfiguration(input).settings;
}

/**
 * Whether a configuration of `k2hft` says something itself of a key, such as `['mount', 'allow_other']`: its default may
 * then be meant less seriously. To be called with what loadMountConfiguration() has read without complaint.
 */
export function mountConfigurationGives(input: LoadInput, keys: readonly string[]): boolean {
  const source = openSource(input, input.env ?? process.env, MOUNT_NAMES);
  if (isLegacy(source)) return false;
  let node: TreeNode | undefined = parserOf(source.dialect)(source.text).root;
  for (const key of keys) node = node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
  return node !== undefined;
}

/**
 * The settings of `k2hft-svr`, from a file, a JSON text, or what K2HFT_SVR_CONFIG (a file) or K2HFT_SVR_JSON
 * (a text) name. A configuration of K2HFTFUSESVR, also one that its variables K2HFTSVRCONFFILE and K2HFTSVRJSONCONF
 * name, is translated.
 *
 * @throws ConfigError with everything that is wrong
 */
export function loadServerConfiguration(input: LoadInput): Loaded<ServerSettings> {
  const env = input.env ?? process.env;
  return readSource(openSource(input, env, SERVER_NAMES), serverSchema, env, (document, findings) =>
    translateForServer(document, { point: undefined, env }, findings),
  );
}

/** {@link loadServerConfiguration} without the notes. */
export function loadServerSettings(input: LoadInput): ServerSettings {
  return loadServerConfiguration(input).settings;
}

type Translate = (document: LegacyDocument, findings: Findings) => MapNode;

function readSource<S>(
  source: Source,
  schema: ValueType<S>,
  env: NodeJS.ProcessEnv,
  translate: Translate,
): Loaded<S> {
  const findings = new Findings();
  const parsed = isLegacy(source)
    ? parseLegacy(source, translate, findings)
    : parserOf(source.dialect)(source.text);
  const problems = parsed.problems.map((found) => ({
    ...placed(found, source.file),
    message: found.message,
  }));
  if (parsed.root === undefined) throw new ConfigError('invalid', inFileOrder(problems));
  const { file, folder } = source;
  const reading = new Reading({ file, folder, lookup: variablesOf(env), knownKeys: schema.keys, problems });
  const settings = schema.read(parsed.root, reading);
  if (settings === FAILED || problems.length > 0) throw new ConfigError('invalid', inFileOrder(problems));
  const notes = findings.remarks.map((remark) => ({
    ...placed(remark, file),
    message: remark.message,
    level: remark.level,
  }));
  return { settings, notes: inFileOrder(notes) };
}

/** What the translation has found wrong hides what would be missing in its result. */
function parseLegacy(source: Source, translate: Translate, findings: Findings): Parsed {
  const { text, file, folder } = source;
  const read = source.dialect === 'ini' ? readLegacyIni : readLegacyYaml;
  const document = read(text, file, folder, findings);
  const root = document === undefined ? undefined : translate(document, findings);
  return { root: findings.problems.length > 0 ? undefined : root, problems: findings.problems };
}

function isLegacy({ dialect, text }: Source): boolean {
  return dialect === 'ini' ? isLegacyIni(text) : isLegacyYaml(text);
}

function placed({ place, key = '' }: Pick<SyntaxProblem, 'place' | 'key'>, file: string) {
  return { file: place.file ?? file, line: place.line, column: place.column, key };
}

/** HOSTNAME is set by shells but rarely exported, so the system's answer stands in for it. */
function variablesOf(env: NodeJS.ProcessEnv): Lookup {
  return (name) => {
    const value = env[name];
    return name === 'HOSTNAME' && (value === undefined || value === '') ? hostname() : value;
  };
}
