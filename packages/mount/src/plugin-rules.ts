import { join } from 'node:path';
import type { RuleSettings } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import type { PluginStdout } from '@k2hft/plugin';

/** A rule that has a plugin. */
export type PluginRule = Pick<RuleSettings, 'path' | 'pluginStdout' | 'pluginBufferBytes'> & {
  plugin: string[];
};

/** The queue's cursor of a rule's plugin. The prefix lets new ones begin with what is written from then on. */
export function pluginCursor(rule: Pick<RuleSettings, 'path'>): string {
  return `plugin ${rule.path}`;
}

/** The rules that feed a plugin: of two with the same glob, the second one never matches. */
export function pluginRules(rules: readonly RuleSettings[]): PluginRule[] {
  const found = new Map<string, PluginRule>();
  const seen = new Set<string>();
  for (const { path, plugin, pluginStdout, pluginBufferBytes } of rules) {
    if (plugin !== undefined && !seen.has(path)) {
      found.set(path, { path, plugin, pluginStdout, pluginBufferBytes });
    }
    seen.add(path);
  }
  return [...found.values()];
}

/** Whether each path has a process of its own, with an output file of its own. */
export function hasProcessPerPath(rule: Pick<RuleSettings, 'pluginStdout'>): boolean {
  return rule.pluginStdout?.endsWith('/') === true;
}

/**
 * Where the output of the plugin goes. In a directory, the file is called as the path is below the folders that the
 * glob names: of `log/**`, the output for `log/app/x.log` is `app/x.log`.
 */
export function pluginStdoutOf(
  rule: Pick<RuleSettings, 'path' | 'pluginStdout'>,
  path: ByteString,
): PluginStdout {
  if (rule.pluginStdout === undefined) return { kind: 'discard' };
  const file = Buffer.from(rule.pluginStdout).toString('latin1');
  return {
    kind: 'file',
    path: hasProcessPerPath(rule) ? join(file, belowFixedFolders(rule.path, path)) : file,
  };
}

/** Whatever has a meaning in a glob. */
const MAGIC = /[*?[\]{}()!+@|\\]/;

function belowFixedFolders(glob: string, path: ByteString): ByteString {
  const folders = glob.split('/').slice(0, -1);
  const magicAt = folders.findIndex((folder) => MAGIC.test(folder));
  const fixed = magicAt < 0 ? folders : folders.slice(0, magicAt);
  const prefix = Buffer.from(fixed.map((folder) => `${folder}/`).join('')).toString('latin1');
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}
