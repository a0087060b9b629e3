import picomatch from 'picomatch';
import type { RuleSettings } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';

/** What of a rule decides how a stream is cut. */
export type StreamRule = Pick<RuleSettings, 'send' | 'maxRecordBytes' | 'lineTimeoutMs'>;

/** Finds the first rule whose glob matches a path; undefined when nothing of the path is sent. */
export type RuleFinder = (path: ByteString) => StreamRule | undefined;

/**
 * Compiles the rules' globs. Paths are relative to the mount point, without a leading slash; `*` and `**` match
 * names that begin with a dot as well, since a program that logs into such a file means it to be sent.
 */
export function compileRules<Rule extends StreamRule & Pick<RuleSettings, 'path'>>(
  rules: readonly Rule[],
): (path: ByteString) => Rule | undefined {
  const compiled = rules.map((rule) => ({
    rule,
    matches: picomatch(rule.path.replace(/^\/+/, ''), { dot: true }),
  }));
  return (path) => {
    const text = Buffer.from(path, 'latin1').toString('utf8');
    const found = compiled.find(({ matches }) => matches(text));
    return found === undefined || found.rule.send === 'no' ? undefined : found.rule;
  };
}
