import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, loadMountSettings, loadServerSettings } from '../src/index.js';
import type { Problem } from '../src/problems.js';
import { Reading, type Failed, type ValueType } from '../src/reading.js';
import { nodeFromPlain, type Plain, type TreeNode } from '../src/tree.js';

/** A tree as the values it holds; what INI assigned is a list under `assigned`. */
export function plainOf(node: TreeNode | undefined): unknown {
  if (node === undefined) return undefined;
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'nothing':
      return null;
    case 'list':
      return node.items.map(plainOf);
    case 'map':
      return Object.fromEntries(Array.from(node.entries, ([key, { value }]) => [key, plainOf(value)]));
    case 'assigned':
      return { assigned: node.values.map(({ text }) => text) };
  }
}

export interface ReadOutcome {
  readonly value: unknown;
  readonly messages: readonly string[];
}

/** Reads one value of a type, as if it stood at line 3, column 7 under the key `key`. */
export function readValue<T>(
  type: ValueType<T>,
  plain: Plain,
  env: Record<string, string> = {},
): ReadOutcome {
  return readNode(type, nodeFromPlain(plain, { line: 3, column: 7 }), env);
}

export function readNode<T>(
  type: ValueType<T>,
  node: TreeNode,
  env: Record<string, string> = {},
): ReadOutcome {
  const problems: Problem[] = [];
  const shared = { file: 'f', folder: '/base', lookup: (name: string) => env[name], knownKeys: [], problems };
  const value: T | Failed = type.read(node, new Reading(shared, 'key'));
  return { value, messages: problems.map((found) => found.message) };
}

const LOADERS = { mount: loadMountSettings, server: loadServerSettings };

/** Everything that is wrong with a file, as `LINE:COLUMN: KEY: MESSAGE`. */
export function problemsOf(
  command: keyof typeof LOADERS,
  folder: string,
  name: string,
  text: string,
): string[] {
  const file = join(folder, name);
  writeFileSync(file, text);
  return messagesOf(() => LOADERS[command]({ file, env: {} })).map((message) =>
    message.replace(`${file}:`, ''),
  );
}

/** The lines of the ConfigError that `load` throws. */
export function messagesOf(load: () => unknown): string[] {
  const error = errorOf(load);
  return error.message.split('\n');
}

export function errorOf(load: () => unknown): ConfigError {
  try {
    load();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  return assert.fail('expected a ConfigError');
}
