import type { MountSettings, RuleSettings } from '@k2hft/config';

/**
 * Settings that are part of the configuration but that this version does not carry out yet. They are refused: a
 * filter or a certificate that is silently ignored would be worse than an error.
 */
export function unsupportedSettings(settings: MountSettings): string[] {
  const found: string[] = [];
  const refuse = (isSet: boolean, key: string) => {
    if (isSet) found.push(key);
  };
  const { tokenFile, tls, urls } = settings.servers;
  refuse(tokenFile !== undefined, 'servers.token_file');
  refuse(tls !== undefined || urls.some((url) => url.startsWith('wss:')), 'servers.tls and wss:// URLs');
  settings.rules.forEach((rule, index) => {
    found.push(...unsupportedInRule(rule).map((key) => `rules[${index}].${key}`));
  });
  return found;
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
