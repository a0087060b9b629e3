import { existsSync } from 'node:fs';
import { appendTo, ExitStatus } from '@k2hft/config';
import { runMount } from './command-mount.js';
import { CommandError, explain, statusOf } from './failure.js';
import { readHelperArguments, type HelperArguments } from './helper-arguments.js';
import { MountOptionError } from './mount-options.js';
import type { MountRequest } from './mount-plan.js';
import { mountStatusOf } from './mount-status.js';
import { splitOptionList } from './option-list.js';

/**
 * `mount.k2hft`: what mount(8) runs for the type k2hft, in /etc/fstab for example. The source is the configuration file; it is any
 * other word when an option or the environment names the configuration.
 */
async function main(): Promise<void> {
  const given = readArguments();
  if (given.letters.has('f')) return;
  await runMount(requestOf(given), true, given.letters.has('v'));
}

function readArguments(): HelperArguments {
  try {
    const given = readHelperArguments(process.argv.slice(2), 'sfnvrw');
    if (given.positional.length === 2) return given;
    throw new MountOptionError('called as mount.k2hft SOURCE POINT [-sfnv] [-o options], by mount -t k2hft');
  } catch (error) {
    throw error instanceof MountOptionError ? new CommandError(ExitStatus.USAGE, error.message) : error;
  }
}

function requestOf({ positional, letters, optionLists }: HelperArguments): MountRequest {
  const [source = '', point = ''] = positional;
  const options = optionLists.flatMap(splitOptionList);
  if (letters.has('r')) options.push({ name: 'ro', value: undefined });
  const isNamed = options.some(({ name }) => /^(?:conf|json)$/i.test(name));
  const isFile = !isNamed && (source.includes('/') || existsSync(source));
  return { point, source, options, sloppy: letters.has('s'), ...(isFile ? { config: source } : {}) };
}

try {
  await main();
} catch (error) {
  appendTo(2)(explain(error).replace(/^k2hft: /gm, 'mount.k2hft: '));
  process.exitCode = mountStatusOf(statusOf(error));
}
