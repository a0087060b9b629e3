import { posix } from 'node:path';
import type { LegacyRule } from './rule-table.js';
import { ruleOf } from './rule-table.js';
import { normalizeTarget } from './targets.js';

/** OUTPUTFILE of a rule: where what its filter leaves is appended on this host. */
export type RuleOutput =
  | { readonly kind: 'none' }
  /** A file, or with a slash at its end a directory, outside of the mount. */
  | { readonly kind: 'outside'; readonly path: string }
  /** Below the mount point: what is written there meets that path's own rule. A directory ends in a slash. */
  | { readonly kind: 'inside'; readonly path: string };

/**
 * Reads OUTPUTFILE; undefined when it cannot be used, which has been reported.
 *
 * @param point the mount point, when it is known; without it an absolute path lies outside
 */
export function readOutput(
  { values, isDirectory }: LegacyRule,
  point: string | undefined,
  rules: readonly LegacyRule[],
): RuleOutput | undefined {
  const output = values.text('OUTPUTFILE');
  if (output === undefined || output.text === '/dev/null') return { kind: 'none' };
  const fail = (message: string) => {
    values.findings.fail(output.place, values.fullKey('OUTPUTFILE'), message);
  };
  const { text } = output;
  if (text.endsWith('/') && !isDirectory) {
    fail('expected a file: one rule for one file has no directory');
    return;
  }
  const inside = insideMount(text, point);
  if (inside === undefined) return { kind: 'outside', path: text };
  const path = normalizeTarget(inside);
  if (path === undefined || (path === '' && !text.endsWith('/'))) {
    fail('expected a path below the mount point');
    return;
  }
  const target = text.endsWith('/') ? posix.join(path, 'x') : path;
  if (ruleOf(target, rules) === undefined) {
    fail(`no rule covers ${JSON.stringify(path)}, which lies below the mount point`);
    return;
  }
  return { kind: 'inside', path: text.endsWith('/') ? `${path}/` : path };
}

/** The path relative to the mount point; undefined when it is not below it. */
function insideMount(path: string, point: string | undefined): string | undefined {
  if (!path.startsWith('/')) return path;
  if (point === undefined) return undefined;
  const relative = posix.relative(point, path);
  return relative === '..' || relative.startsWith('../') ? undefined : relative;
}
