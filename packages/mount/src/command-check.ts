import { describeSettings, loadMountConfiguration } from '@k2hft/config';

/** `k2hft check FILE`: prints the settings that would apply, as YAML, and notes on them. Throws ConfigError. */
export function runCheck(file: string): void {
  const { settings, notes } = loadMountConfiguration({ file });
  process.stdout.write(describeSettings(settings, notes));
}
