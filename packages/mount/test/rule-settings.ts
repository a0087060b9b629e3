import type { RuleSettings } from '@k2hft/config';
import { compileRules, KEEP_LINES, type StreamRule } from '../src/rules.js';

/** A rule's settings as the configuration gives them, changed. */
export function ruleSettings(changes: Partial<RuleSettings> = {}): RuleSettings {
  return { ...KEEP_LINES.settings, ...changes };
}

/** The rule of every path. */
export function streamRule(changes: Partial<RuleSettings> = {}): StreamRule {
  const rule = compileRules([ruleSettings(changes)])('any');
  if (rule === undefined) throw new Error('the rule captures nothing');
  return rule;
}
