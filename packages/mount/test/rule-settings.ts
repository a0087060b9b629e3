import { loadMountSettings, type RuleSettings } from '@k2hft/config';
import { compileRules, type StreamRule } from '../src/rules.js';

const [DEFAULT_RULE] = loadMountSettings({ json: '{"servers":{"urls":["ws://h:1"]}}', env: {} }).rules;

/** A rule's settings as the configuration gives them, changed. */
export function ruleSettings(changes: Partial<RuleSettings> = {}): RuleSettings {
  if (DEFAULT_RULE === undefined) throw new Error('the configuration has a rule by default');
  return { ...DEFAULT_RULE, ...changes };
}

/** The rule of every path. */
export function streamRule(changes: Partial<RuleSettings> = {}): StreamRule {
  const rule = compileRules([ruleSettings(changes)])('any');
  if (rule === undefined) throw new Error('the rule captures nothing');
  return rule;
}
