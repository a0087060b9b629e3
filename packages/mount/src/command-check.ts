import { describeSettings, loadMountSettings } from '@k2hft/config';

/** `k2hft check FILE`: prints the settings that would apply, as YAML. Throws ConfigError. */
export function runCheck(file: string): void {
  process.stdout.write(describeSettings(loadMountSettings({ file })));
}
