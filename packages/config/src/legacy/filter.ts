import type { Plain } from '../tree.js';
import type { LegacyEntry } from './document.js';
import {
  looksLikeExpression,
  readPattern,
  type PatternMode,
  type PatternReading,
} from './pattern-reading.js';
import { escapeLiteral, translatePosix } from './posix-pattern.js';
import { translateReplacement } from './replacement.js';
import type { Values } from './values.js';

/** DEFAULTALL, ALLOW and DENY as our keys. */
export interface Filter {
  readonly default: 'allow' | 'deny';
  readonly select: readonly Plain[];
  readonly deny: readonly Plain[];
}

/** The output template for what the expression matched. */
const WHOLE_MATCH = '$&';

/**
 * With DEFAULTALL = DENY only ALLOW counts, the first that matches decides; with ALLOW only DENY does. DENY is the
 * default, so a rule without patterns lets nothing through.
 */
export function readFilter(values: Values, mode: PatternMode): Filter {
  const allows = values.choice('DEFAULTALL', { allow: true, deny: false })?.value ?? false;
  const ignored = values.all(allows ? 'ALLOW' : 'DENY');
  for (const { keyPlace, key } of ignored) {
    const message = `without effect under DEFAULTALL = ${allows ? 'ALLOW' : 'DENY'}`;
    values.findings.warn(keyPlace, values.fullKey(key), message);
  }
  return allows ? denied(values, mode) : selected(values, mode);
}

function selected(values: Values, mode: PatternMode): Filter {
  const entries = values.all('ALLOW');
  const select: Plain[] = [];
  let all: LegacyEntry | undefined;
  for (const entry of entries) {
    if (all !== undefined) {
      values.findings.warn(
        entry.keyPlace,
        values.fullKey('ALLOW'),
        'never reached: an empty pattern before it takes every line',
      );
      continue;
    }
    const reading = readPattern(entry, mode);
    if (reading.kind === 'all') all = entry;
    const item = compile(values, entry, reading, true);
    if (item !== undefined) select.push(item);
  }
  if (entries.length === 0) {
    const message = 'without ALLOW and without DEFAULTALL = ALLOW no line passes, as in K2HFTFUSE';
    values.findings.warn(values.place, values.name, message);
  }
  return { default: all === undefined ? 'deny' : 'allow', select, deny: [] };
}

function denied(values: Values, mode: PatternMode): Filter {
  const deny: Plain[] = [];
  let all = false;
  for (const entry of values.all('DENY')) {
    const reading = readPattern(entry, mode);
    all ||= reading.kind === 'all';
    const item = compile(values, entry, reading, false);
    if (item !== undefined) deny.push(item);
  }
  // An empty DENY matches every line.
  return all ? { default: 'deny', select: [], deny: [] } : { default: 'allow', select: [], deny };
}

/** One pattern as an item of `select` or `deny`; says how it was read. */
function compile(
  values: Values,
  entry: LegacyEntry,
  reading: PatternReading,
  selects: boolean,
): Plain | undefined {
  const { findings } = values;
  const { place } = entry.value;
  const key = values.fullKey(entry.key);
  switch (reading.kind) {
    case 'fault': {
      findings.fail(place, key, reading.fault);
      return;
    }
    case 'all':
      findings.inform(place, key, 'empty: every line');
      return undefined;
    case 'text':
      return compileText(values, entry, reading.text, reading.why);
    case 'expression':
      return compileExpression(values, entry, reading, selects);
  }
}

function compileText(values: Values, entry: LegacyEntry, text: string, why: string): Plain | undefined {
  const { findings } = values;
  const { place } = entry.value;
  const key = values.fullKey(entry.key);
  // The text is searched in the line with its line end.
  const isAtEnd = text.endsWith('\n');
  const inLine = isAtEnd ? text.slice(0, -1) : text;
  if (inLine.includes('\n')) {
    findings.warn(place, key, 'holds a newline that is not at its end, so that no line holds it: ignored');
    return undefined;
  }
  const literal = `the text ${JSON.stringify(text)}`;
  const doubt = looksLikeExpression(text)
    ? '; it has characters of a regular expression: in double quotes it would be one'
    : '';
  findings.inform(place, key, `${literal} (${why})${doubt}`);
  return `${escapeLiteral(inLine)}${isAtEnd ? '$' : ''}`;
}

function compileExpression(
  values: Values,
  entry: LegacyEntry,
  reading: Extract<PatternReading, { kind: 'expression' }>,
  selects: boolean,
): Plain | undefined {
  const { findings } = values;
  const { place } = entry.value;
  const key = values.fullKey(entry.key);
  const translated = translatePosix(reading.pattern);
  if ('fault' in translated) {
    const at = ` at character ${translated.offset + 1} of ${reading.pattern}`;
    findings.fail(place, key, `cannot be used as a regular expression: ${translated.fault}${at}`);
    return;
  }
  const becomes = reading.replacement === undefined ? 'what it matches' : JSON.stringify(reading.replacement);
  const outcome = selects ? `the line becomes ${becomes}` : 'the line is dropped';
  findings.inform(place, key, `the regular expression ${reading.pattern} (${reading.why}); ${outcome}`);
  if (!selects) {
    // What becomes of a line that is dropped does not matter, nor how much of it matches.
    return nonempty(translated.source);
  }
  for (const remark of translated.remarks) findings.inform(place, key, remark);
  if (reading.replacement === undefined) return [nonempty(translated.source), WHOLE_MATCH];
  const replacement = translateReplacement(reading.replacement, translated.groups);
  if ('fault' in replacement) {
    const at = ` at character ${replacement.offset + 1} of ${reading.replacement}`;
    findings.fail(place, key, `the replacement cannot be used: ${replacement.fault}${at}`);
    return;
  }
  return [nonempty(translated.source), replacement.output];
}

/** An empty expression matches at the beginning; our keys want one that can be seen. */
function nonempty(source: string): string {
  return source === '' ? '^' : source;
}
