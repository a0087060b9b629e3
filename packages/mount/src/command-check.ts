import { describeSettings, ExitStatus, loadMountConfiguration } from '@k2hft/config';
import { CommandError } from './failure.js';

interface CheckFlags {
  json?: string;
  /** What K2HFTFUSE's configuration leaves to the command line, and what depends on it: its queue, outputs inside the mount. */
  point?: string;
}

/** `k2hft check FILE`: prints the settings that would apply, as YAML, and notes on them. Throws ConfigError. */
export function runCheck(file: string | undefined, { json, point }: CheckFlags): void {
  if (file === undefined && json === undefined)
    throw new CommandError(
      ExitStatus.USAGE,
      'give the configuration that is to be checked: a file, or a text with --json',
    );
  const { settings, notes } = loadMountConfiguration({ file, json, point });
  process.stdout.write(describeSettings(settings, notes));
}
