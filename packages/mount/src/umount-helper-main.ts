import { resolve } from 'node:path';
import { appendTo, ExitStatus } from '@k2hft/config';
import { fuseUnmount } from '@k2hft/fuse';
import { registeredOn, untilEnded } from './command-umount.js';
import { CommandError, explain, statusOf } from './failure.js';
import { readHelperArguments } from './helper-arguments.js';
import { MountOptionError } from './mount-options.js';
import { mountStatusOf } from './mount-status.js';

/**
 * `umount.fuse.k2hft`: what umount(8) runs for a mount of ours. A mount in use stays, as umount(8) promises. When it is gone,
 * this waits until everything has ended in order, so that it can be mounted again at once.
 */
async function main(): Promise<void> {
  const { point, lazy, force } = readArguments();
  const served = registeredOn(point);
  await fuseUnmount(point, { lazy, force });
  // A mount that is only out of sight is served for as long as somebody uses it.
  if (served !== undefined && !lazy) await untilEnded(served);
}

function readArguments(): { point: string; lazy: boolean; force: boolean } {
  try {
    const { positional, letters } = readHelperArguments(process.argv.slice(2), 'flnrv');
    const [point] = positional;
    if (point === undefined || positional.length > 1)
      throw new MountOptionError('called as umount.fuse.k2hft POINT [-flnrv], by umount');
    return { point: resolve(point), lazy: letters.has('l'), force: letters.has('f') };
  } catch (error) {
    throw error instanceof MountOptionError ? new CommandError(ExitStatus.USAGE, error.message) : error;
  }
}

try {
  await main();
} catch (error) {
  appendTo(2)(explain(error).replace(/^k2hft: /gm, 'umount.k2hft: '));
  process.exitCode = mountStatusOf(statusOf(error));
}
