import { Command, CommanderError } from 'commander';
import { ExitStatus } from '@k2hft/config';
import { runCheck } from './command-check.js';
import { runMount, type MountCommandOptions } from './command-mount.js';
import { addQueueCommands } from './command-queue.js';
import { runStatus } from './command-status.js';
import { runUmount } from './command-umount.js';
import { report, statusOf } from './failure.js';
import { VERSION } from './software.js';

/** `k2hft`: reads the command line and hands over to the command's module. */
function program(): Command {
  const k2hft = new Command('k2hft')
    .description('What programs write into a directory arrives in files on other hosts: once, in order.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError();
  k2hft
    .command('mount')
    .description('mount, and serve until SIGTERM or k2hft umount')
    .argument('[point]', 'the directory to mount on (or mount.point in the configuration)')
    .option('-c, --config <file>', 'configuration: .yaml, .ini or .json')
    .option('--json <text>', 'configuration as JSON text')
    .action((point: string | undefined, options: MountCommandOptions) => runMount(point, options));
  k2hft
    .command('umount')
    .description('finish unfinished lines, unmount, end the processes; the queue keeps what is not delivered')
    .argument('<point>', 'the mount point')
    .action(runUmount);
  k2hft
    .command('status')
    .description('show the queue, the servers and the files of a running mount')
    .argument('[point]', 'the mount point; all mounts when left out')
    .option('--json', 'as JSON')
    .action(runStatus);
  k2hft
    .command('check')
    .description('check a configuration and print the settings that would apply')
    .argument('<file>', 'the configuration file')
    .action(runCheck);
  addQueueCommands(k2hft.command('queue').description('look into a queue directory'));
  return k2hft;
}

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version are answers; everything else that commander throws is wrong usage, and it has said so.
    process.exitCode = error.exitCode === 0 ? ExitStatus.DONE : ExitStatus.USAGE;
  } else {
    report(error);
    process.exitCode = statusOf(error);
  }
}
