import { posix } from 'node:path';
import type { MapNode } from '../tree.js';
import { Draft } from './draft.js';
import { readFilter, type Filter } from './filter.js';
import type { PatternMode } from './pattern-reading.js';
import { pluginCommand } from './plugin-command.js';
import { readOutput, type RuleOutput } from './rule-output.js';
import { ruleOf, type LegacyRule } from './rule-table.js';
import { escapeGlob, globBeginning, globBelow } from './targets.js';

export interface RuleOptions {
  readonly binary: boolean;
  readonly patterns: PatternMode;
  /** BYTELIMIT; 0: none. */
  readonly byteLimit: number;
  /** Beginnings of paths that are not sent: K2HTPDTOR_EXCEPT_KEY. */
  readonly exceptKeys: readonly string[];
  readonly point: string | undefined;
  readonly folder: string;
  /** PATH of the environment. */
  readonly programPath: string | undefined;
}

/** The longest record that our keys take; a longer BYTELIMIT does not limit anything. */
const MAX_RECORD_BYTES_MAX = 8 * 1024 * 1024;

/** BYTELIMIT counts the newline, and a NUL that follows each line on the wire. */
const BYTES_BESIDE_TEXT = 2;

/** Stands for a mount point that nobody has named yet. */
const UNKNOWN_POINT = '/MOUNT-POINT';

/** Our `rules`, in the order in which they are tried. */
export function translateRules(rules: readonly LegacyRule[], options: RuleOptions): MapNode[] {
  return rules.flatMap((rule) => translateRule(rule, rules, options));
}

function translateRule(rule: LegacyRule, rules: readonly LegacyRule[], options: RuleOptions): MapNode[] {
  const { values, target, isDirectory } = rule;
  const place = values.entry('TARGET')?.value.place ?? values.place;
  const body = new Draft(place);
  const sends = values.boolean('TRUNS')?.value ?? false;
  const content = options.binary ? binaryContent(rule) : readFilter(values, options.patterns);
  const output = readOutput(rule, options.point, rules);
  const acts = content !== undefined && writeLocal(rule, rules, output, options, body);
  const send = content !== undefined && sends;
  if (!sends && content !== undefined && !acts) {
    values.findings.warn(
      values.place,
      values.name,
      'nothing becomes of its lines: TRUNS is no, and there is neither OUTPUTFILE nor PLUGIN',
    );
  }
  if (content !== undefined && !options.binary) writeFilter(content, values.place, body);
  if (!options.binary) writeLimit(rule, options.byteLimit, body);
  const wholePath = isDirectory ? globBelow(target) : escapeGlob(target);
  const make = (path: string, isSent: boolean): MapNode => {
    const head = new Draft(place).set('path', path, place);
    const how = options.binary ? 'binary' : 'lines';
    head.set('send', isSent ? how : 'no', values.entry('TRUNS')?.value.place ?? place);
    const { entries } = body.node();
    // A filter is refused where nothing becomes of the lines that it leaves.
    const isOfUse = isSent || entries.has('copy_to') || entries.has('plugin');
    return { ...head.node(), entries: new Map([...head.node().entries, ...(isOfUse ? entries : [])]) };
  };
  if (!send) return [make(wholePath, false)];
  return [
    ...exceptions(rule, options.exceptKeys).map((path) => make(path, false)),
    make(wholePath, !isExcepted(rule, options.exceptKeys)),
  ];
}

/** With BINTRANS there are no patterns: what DEFAULTALL says holds for everything. */
function binaryContent({ values }: LegacyRule): Filter | undefined {
  for (const { keyPlace, key } of [...values.all('ALLOW'), ...values.all('DENY')]) {
    values.findings.warn(
      keyPlace,
      values.fullKey(key),
      'without effect under BINTRANS: what is no line has no pattern',
    );
  }
  if (values.choice('DEFAULTALL', { allow: true, deny: false })?.value === true) {
    return { default: 'allow', select: [], deny: [] };
  }
  const message =
    'nothing passes: under BINTRANS only DEFAULTALL = ALLOW lets anything through, and DENY is the default';
  values.findings.warn(values.place, values.name, message);
  return undefined;
}

function writeFilter(filter: Filter, place: LegacyRule['values']['place'], body: Draft): void {
  body.set('default', filter.default, place);
  if (filter.select.length > 0) body.set('select', filter.select, place);
  if (filter.deny.length > 0) body.set('deny', filter.deny, place);
}

function writeLimit({ values }: LegacyRule, byteLimit: number, body: Draft): void {
  if (byteLimit === 0) return;
  const textBytes = Math.max(1, byteLimit - BYTES_BESIDE_TEXT);
  if (textBytes > MAX_RECORD_BYTES_MAX) return;
  body.set('max_record', `${textBytes}B`, values.place).set('long_records', 'drop', values.place);
}

/** PLUGIN and OUTPUTFILE; a plugin takes the output over as its own. Returns whether there is anything. */
function writeLocal(
  rule: LegacyRule,
  rules: readonly LegacyRule[],
  output: RuleOutput | undefined,
  options: RuleOptions,
  body: Draft,
): boolean {
  const { values } = rule;
  const command = pluginCommand(values, options.folder, options.programPath);
  if (output === undefined) return true;
  const place = values.entry('OUTPUTFILE')?.value.place ?? values.place;
  const pluginPlace = values.entry('PLUGIN')?.value.place ?? place;
  if (command !== undefined) body.set('plugin', command, pluginPlace);
  if (output.kind === 'none') return command !== undefined;
  const isInside = output.kind === 'inside';
  const path = isInside ? insidePath(output.path, options.point) : output.path;
  if (isInside && feedsItself(rule, rules, output.path)) {
    const message = 'what is written there comes back to this rule, without an end';
    values.findings.fail(place, values.fullKey('OUTPUTFILE'), message);
  } else if (isInside) {
    values.findings.inform(place, values.fullKey('OUTPUTFILE'), insideRemark(output.path, options.point));
  }
  if (command !== undefined) body.set('plugin_stdout', path, place);
  else writeCopy(rule, path, options, body);
  return true;
}

function writeCopy({ values, target }: LegacyRule, path: string, options: RuleOptions, body: Draft): void {
  const place = values.entry('OUTPUTFILE')?.value.place ?? values.place;
  body.set('copy_to', path, place).set('copy_what', options.binary ? 'written' : 'filtered', place);
  // A directory takes the names below TARGET, not below the mount point.
  if (path.endsWith('/') && target !== '') body.set('copy_base', target, place);
}

function insidePath(path: string, point: string | undefined): string {
  const whole = posix.join(point ?? UNKNOWN_POINT, path);
  return path.endsWith('/') && !whole.endsWith('/') ? `${whole}/` : whole;
}

function insideRemark(path: string, point: string | undefined): string {
  const remark = `${path} lies below the mount point: what is written there meets that path's rule`;
  return point === undefined
    ? `${remark}; ${UNKNOWN_POINT} stands for the mount point, which is not known here`
    : remark;
}

/** Follows the outputs from rule to rule. */
function feedsItself(start: LegacyRule, rules: readonly LegacyRule[], output: string): boolean {
  const seen = new Set([start]);
  let path: string | undefined = output;
  while (path !== undefined) {
    const next: LegacyRule | undefined = ruleOf(path.endsWith('/') ? `${path}x` : path, rules);
    if (next === undefined) return false;
    if (seen.has(next)) return true;
    seen.add(next);
    const text: string = next.values.text('OUTPUTFILE')?.text ?? '/';
    path = text.startsWith('/') ? undefined : text;
  }
  return false;
}

/** Whether every path of a rule begins with one of the keys. */
function isExcepted({ target, isDirectory }: LegacyRule, keys: readonly string[]): boolean {
  const common = isDirectory && target !== '' ? `${target}/` : target;
  return keys.some((key) => common.startsWith(key));
}

/** Globs for the paths of a directory's rule that begin with one of the keys, where not all of them do. */
function exceptions({ target, isDirectory }: LegacyRule, keys: readonly string[]): string[] {
  if (!isDirectory) return [];
  const common = target === '' ? '' : `${target}/`;
  return keys.filter((key) => key.startsWith(common) && key !== common && key !== '').map(globBeginning);
}
