import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@k2hft/test-harness';
import {
  describeSettings,
  loadMountConfiguration,
  loadServerConfiguration,
  type Loaded,
  type MountSettings,
  type RuleSettings,
  type ServerSettings,
} from '../../src/index.js';
import { messagesOf } from '../reading-helpers.js';

type Context = Parameters<typeof temporaryFolder>[0];

/** One server, so that there is somewhere to send to. */
export const SERVER_INI = '[SVRNODE]\nNAME = agg1\nPORT = 8020\n';

const env = { PATH: '/usr/bin:/bin' };

export function write(context: Context, name: string, text: string): string {
  const file = join(temporaryFolder(context), name);
  writeFileSync(file, text);
  return file;
}

/** Loads a configuration, and makes sure that what `check` prints of it loads to the same settings. */
export function loadMount(
  context: Context,
  text: string,
  point?: string,
  name = 'a.ini',
): Loaded<MountSettings> {
  const loaded = loadMountConfiguration({ file: write(context, name, text), env, point });
  const printed = write(context, 'printed.yaml', describeSettings(loaded.settings, loaded.notes));
  assert.deepEqual(loadMountConfiguration({ file: printed, env }), { settings: loaded.settings, notes: [] });
  return loaded;
}

/** Likewise for a receiver. */
export function loadServer(context: Context, text: string, name = 'a.ini'): Loaded<ServerSettings> {
  const loaded = loadServerConfiguration({ file: write(context, name, text), env });
  const printed = write(context, 'printed.yaml', describeSettings(loaded.settings, loaded.notes));
  assert.deepEqual(loadServerConfiguration({ file: printed, env }), { settings: loaded.settings, notes: [] });
  return loaded;
}

/** The only rule of a text in INI. */
export function ruleFrom(context: Context, text: string, point?: string): Partial<RuleSettings> {
  const [rule] = loadMount(context, SERVER_INI + text, point).settings.rules;
  return rule ?? {};
}

/** Those of the expected properties that a value has, for comparing a part of it. */
export function partOf(value: object, like: object): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key in like));
}

/** What is wrong with a text, as `LINE:COLUMN: KEY: MESSAGE`. */
export function mountProblems(context: Context, text: string, name = 'a.ini'): string[] {
  const file = write(context, name, text);
  return messagesOf(() => loadMountConfiguration({ file, env })).map((line) => line.replace(`${file}:`, ''));
}

export function serverProblems(context: Context, text: string): string[] {
  const file = write(context, 'a.ini', text);
  return messagesOf(() => loadServerConfiguration({ file, env })).map((line) => line.replace(`${file}:`, ''));
}

/** The messages of notes, those of one level or all. */
export function notesOf({ notes }: Loaded<unknown>, level?: 'warn' | 'info'): string[] {
  return notes
    .filter((note) => level === undefined || note.level === level)
    .map(({ line, key, message }) => `${line}: ${key === '' ? '' : `${key}: `}${message}`);
}
