import picomatch from 'picomatch';
import type { RuleSettings } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import { compileFilter, type LineFilter } from './line-filter.js';
import { SlowTime } from './match-budget.js';

/** Who gets the batches of a rule's streams: the servers, this host's plugins only, or nobody (then there is a copy). */
type Delivery = 'servers' | 'plugins' | 'nobody';

/** What of a rule decides how a stream is cut. */
type CaptureSettings = Pick<
  RuleSettings,
  'send' | 'maxRecordBytes' | 'longRecords' | 'lineTimeoutMs' | 'quotaBytesPerSecond'
>;

/** A rule, ready for the streams whose paths it matches. */
export interface StreamRule {
  readonly settings: CaptureSettings;
  /** The whole rule when it has `copy_to`. */
  readonly copy: RuleSettings | undefined;
  /** Undefined: no line is looked at. */
  readonly filter: LineFilter | undefined;
  readonly delivery: Delivery;
  /** What is written is copied as it is, and that is all: no line is cut. */
  readonly copiesOnly: boolean;
}

/** Finds the rule of a path; undefined when nothing of it is captured. */
export type RuleFinder = (path: ByteString) => StreamRule | undefined;

/**
 * The first of `rules` whose glob matches a path. Paths are relative to the mount point, without a leading slash; `*`
 * and `**` match names that begin with a dot as well, since a program that logs into such a file means it to be sent.
 */
export function compileGlobs<Rule extends Pick<RuleSettings, 'path'>>(
  rules: readonly Rule[],
): (path: ByteString) => Rule | undefined {
  const compiled = rules.map((rule) => ({
    rule,
    // A name may hold a line break, which a dot in a regular expression does not match without the flag s.
    matches: picomatch(rule.path.replace(/^\/+/, ''), { dot: true, flags: 's' }),
  }));
  return (path) => {
    const text = Buffer.from(path, 'latin1').toString('utf8');
    return compiled.find(({ matches }) => matches(text))?.rule;
  };
}

/** Compiles the rules' globs and filters. */
export function compileRules(rules: readonly RuleSettings[]): RuleFinder {
  const time = new SlowTime();
  const find = compileGlobs(
    rules.map((settings) => ({ path: settings.path, compiled: compileRule(settings, time) })),
  );
  return (path) => find(path)?.compiled;
}

/** Undefined: the rule says that nothing is captured. */
function compileRule(settings: RuleSettings, time: SlowTime): StreamRule | undefined {
  const delivery = deliveryOf(settings);
  if (delivery === 'nobody' && settings.copyTo === undefined) return undefined;
  const copiesOnly = delivery === 'nobody' && settings.copyWhat === 'written';
  const copy = settings.copyTo === undefined ? undefined : settings;
  const filter = copiesOnly ? undefined : compileFilter(settings, time);
  return { settings, copy, delivery, copiesOnly, filter };
}

function deliveryOf({ send, plugin }: RuleSettings): Delivery {
  if (send !== 'no') return 'servers';
  return plugin === undefined ? 'nobody' : 'plugins';
}

/** For what is left of a file whose rule is gone while it is open: its unfinished line. */
export const KEEP_LINES: StreamRule = {
  copy: undefined,
  delivery: 'servers',
  copiesOnly: false,
  filter: undefined,
  settings: {
    send: 'lines',
    maxRecordBytes: 1024 * 1024,
    longRecords: 'split',
    lineTimeoutMs: 0,
    quotaBytesPerSecond: undefined,
  },
};
