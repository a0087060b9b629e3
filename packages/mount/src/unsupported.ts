import type { MountSettings, RuleSettings } from '@k2hft/config';

/**
 * Settings that are part of the configuration but that cannot be carried out as they are combined. They are refused: a
 * filter that is silently ignored would be worse than an error.
 */
export function unsupportedSettings(settings: MountSettings): string[] {
  return settings.rules.flatMap((rule, index) =>
    unsupportedInRule(rule).map((key) => `rules[${index}].${key}`),
  );
}

function unsupportedInRule(rule: RuleSettings): string[] {
  const found: string[] = [];
  if (rule.send === 'binary') found.push(...lineSettings(rule).map((key) => `${key} with send: binary`));
  return found;
}

/** What can only be done to lines. */
function lineSettings(rule: RuleSettings): string[] {
  const found: string[] = [];
  if (rule.default === 'deny') found.push('default: deny');
  if (rule.longRecords !== 'split') found.push('long_records');
  if (rule.select.length > 0) found.push('select');
  if (rule.allow.length > 0) found.push('allow');
  if (rule.deny.length > 0) found.push('deny');
  if (rule.rewrite.length > 0) found.push('rewrite');
  if (rule.quotaBytesPerSecond !== undefined) found.push('quota');
  return found;
}
