import { sectionsNamed, type LegacyDocument } from './document.js';
import type { Findings } from './findings.js';
import { RULE_KEYS } from './keys.js';
import { normalizeTarget } from './targets.js';
import { Values } from './values.js';

/** One K2HFTFUSE_RULE or K2HFTFUSE_RULE_DIR. */
export interface LegacyRule {
  readonly isDirectory: boolean;
  /** Normalised; the empty one is the mount point. */
  readonly target: string;
  readonly values: Values;
}

/**
 * The rules in the order in which they are tried: files before directories, deeper directories before those around
 * them. Of two with the same TARGET the later counts.
 */
export function readRules(document: LegacyDocument, findings: Findings): LegacyRule[] {
  const table = new Map<string, LegacyRule>();
  for (const section of sectionsNamed(document, 'K2HFTFUSE_RULE', 'K2HFTFUSE_RULE_DIR')) {
    const values = new Values(section.name, [section], findings);
    values.warnUnknown(RULE_KEYS);
    const target = readTarget(values, section.name === 'K2HFTFUSE_RULE_DIR');
    if (target === undefined) continue;
    const earlier = table.get(target);
    if (earlier !== undefined) {
      const message = `without effect: the section on line ${section.place.line} has the same TARGET and takes its place`;
      findings.warn(earlier.values.place, values.name, message);
      table.delete(target);
    }
    table.set(target, { isDirectory: section.name === 'K2HFTFUSE_RULE_DIR', target, values });
  }
  const rules = [...table.values()];
  const directories = rules.filter(({ isDirectory }) => isDirectory);
  return [
    ...rules.filter(({ isDirectory }) => !isDirectory),
    ...directories.toSorted((a, b) => depthOf(b.target) - depthOf(a.target)),
  ];
}

function depthOf(target: string): number {
  return target === '' ? 0 : target.split('/').length;
}

function readTarget(values: Values, isDirectory: boolean): string | undefined {
  const entry = values.entry('TARGET');
  const written = entry?.value.text ?? '';
  const target = normalizeTarget(written);
  const place = entry?.value.place ?? values.place;
  const key = values.fullKey('TARGET');
  if (target === undefined) {
    values.findings.fail(place, key, `${JSON.stringify(written)} leads out of the mount point`);
    return;
  }
  if (target === '' && !isDirectory) {
    const missing = entry === undefined ? 'missing; ' : '';
    values.findings.fail(
      place,
      key,
      `${missing}expected the path of a file below the mount point, such as log/app.log`,
    );
    return;
  }
  if (target !== written && target !== '')
    values.findings.inform(
      place,
      key,
      `${JSON.stringify(written)} is taken as ${JSON.stringify(target)}; K2HFTFUSE would never match it`,
    );
  return target;
}

/** The rule that serves a path below the mount point. */
export function ruleOf(path: string, rules: readonly LegacyRule[]): LegacyRule | undefined {
  return rules.find(({ isDirectory, target }) =>
    isDirectory ? target === '' || path.startsWith(`${target}/`) : path === target,
  );
}
