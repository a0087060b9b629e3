import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LegacyText } from './document.js';
import type { Values } from './values.js';

/** Starts a program with nothing in its environment but what is named. */
const ENV_PROGRAM = '/usr/bin/env';

/**
 * PLUGIN: words without quoting. Those in front that hold a `=` are the whole environment of the program, which is
 * searched in PATH.
 *
 * @param path the PATH to search in
 */
export function pluginCommand(
  values: Values,
  folder: string,
  path: string | undefined,
): string[] | undefined {
  const plugin = values.text('PLUGIN');
  if (plugin === undefined) return undefined;
  const words = plugin.text.split(/[ \t\r\n]+/).filter((word) => word !== '');
  const at = words.findIndex((word) => !word.includes('='));
  const program = words[at];
  if (program === undefined) {
    fail(values, plugin, 'expected a program');
    return;
  }
  const found = findProgram(program, folder, path);
  if (found === undefined) {
    fail(values, plugin, `there is no program ${program} that may be executed`);
    return;
  }
  return [ENV_PROGRAM, '-i', ...words.slice(0, at), found, ...words.slice(at + 1)];
}

function fail(values: Values, plugin: LegacyText, message: string): undefined {
  values.findings.fail(plugin.place, values.fullKey('PLUGIN'), message);
}

function findProgram(program: string, folder: string, path: string | undefined): string | undefined {
  const places = program.includes('/')
    ? [resolve(folder, program)]
    : (path ?? '/usr/bin:/bin').split(':').map((directory) => join(directory, program));
  return places.find(mayBeExecuted);
}

function mayBeExecuted(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
