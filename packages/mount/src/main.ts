import { Command, CommanderError } from 'commander';
import { appendTo, ExitStatus } from '@k2hft/config';
import { runCheck } from './command-check.js';
import { runMount } from './command-mount.js';
import { addQueueCommands } from './command-queue.js';
import { runReload } from './command-reload.js';
import { runSend } from './command-send.js';
import { runStatus } from './command-status.js';
import { runTap } from './command-tap.js';
import { runTop } from './command-top.js';
import { runUmount } from './command-umount.js';
import { CommandError, explain, statusOf } from './failure.js';
import { translateLegacyArguments } from './legacy-arguments.js';
import { splitOptionList, type ListedOption } from './option-list.js';
import { VERSION } from './software.js';

/** `k2hft`: reads the command line and hands over to the command's module. */
function program(): Command {
  const k2hft = new Command('k2hft')
    .description('What programs write into a directory arrives in files on other hosts: once, in order.')
    .version(VERSION, '-v, --version')
    .exitOverride()
    .showHelpAfterError();
  addMountCommand(k2hft);
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
    .command('top')
    .description('show the queue, the servers and the files of a running mount, live; q ends it')
    .argument('[point]', 'the mount point; may be left out when there is only one mount')
    .option('--once', 'print it once, and end')
    .action(runTop);
  k2hft
    .command('reload')
    .description('read the configuration of a running mount again, and go over to it while it stays mounted')
    .argument('[point]', 'the mount point; all mounts when left out')
    .action(runReload);
  k2hft
    .command('tap')
    .description('print the records that are written from now on, with who wrote them; Ctrl-C ends it')
    .argument('<pattern>', "a glob of paths below the mount point, such as '**' or 'app/*.log'")
    .argument('[point]', 'the mount point; may be left out when there is only one mount')
    .option('--rate <number>', 'at most so many records a second; how many were left out is told', '20')
    .option('--json', 'as JSON, one object a line')
    .action(runTap);
  k2hft
    .command('check')
    .description('check a configuration and print the settings that would apply')
    .argument('[file]', 'the configuration file')
    .option('--json <text>', 'configuration as JSON text, in place of a file')
    .option('--point <dir>', 'the mount point, where the configuration does not name it')
    .action(runCheck);
  k2hft
    .command('send')
    .description('send files that the mount hides, or that were written while it was not mounted; once')
    .argument('<file...>', 'files and directories below the mount point')
    .option('-c, --config <file>', 'configuration: .yaml, .ini or .json')
    .option('--json <text>', 'configuration as JSON text')
    .option('--point <dir>', 'the mount point (or mount.point in the configuration)')
    .option('--as <path>', 'send one file, wherever it lies, as this path below the mount point')
    .option('--finish', 'the files do not go on: send unfinished last lines whatever the rule')
    .option('--timeout <duration>', 'give up when no server has taken anything for so long, for example 60s')
    .action(runSend);
  addQueueCommands(k2hft.command('queue').description('look into a queue directory'));
  return k2hft;
}

interface MountFlags {
  config?: string;
  json?: string;
  daemon?: boolean;
  foreground?: boolean;
  logFile?: string;
  pidFile?: string;
}

function addMountCommand(k2hft: Command): void {
  const listed: ListedOption[] = [];
  k2hft
    .command('mount')
    .description('mount, and serve until SIGTERM, k2hft umount or umount(8)')
    .argument('[point]', 'the directory to mount on (or mount.point in the configuration)')
    .option('-c, --config <file>', 'configuration: .yaml, .ini or .json')
    .option('--json <text>', 'configuration as JSON text')
    .option(
      '-o, --options <list>',
      'mount options, such as conf=FILE,allow_other,umask=022,uid=NAME,gid=NAME,dbglevel=LEVEL; may be repeated',
    )
    .option('--daemon', 'return when the mount is served; the log goes to --log-file, or to the journal')
    .option('-f, --foreground', 'stay in the foreground; so it is without --daemon')
    .option('-d, --debug', 'log everything (dbglevel=debug)')
    .option('--log-file <file>', 'append the log to a file instead of standard error')
    .option('--pid-file <file>', 'write the process id to a file while the mount is there')
    // Later options win over earlier ones, -d included: their order has to be kept.
    .on('option:options', (list: string) => listed.push(...splitOptionList(list)))
    .on('option:debug', () => listed.push({ name: 'debug', value: undefined }))
    .action((point: string | undefined, flags: MountFlags) => {
      const { daemon = false, foreground = false, config, json, logFile, pidFile } = flags;
      if (daemon && foreground)
        throw new CommandError(ExitStatus.USAGE, '--daemon and -f contradict each other: give one of them');
      return runMount({ point, config, json, logFile, pidFile, options: listed }, daemon);
    });
}

try {
  await program().parseAsync(translateLegacyArguments(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version are answers; everything else that commander throws is wrong usage, and it has said so.
    process.exitCode = error.exitCode === 0 ? ExitStatus.DONE : ExitStatus.USAGE;
  } else {
    appendTo(2)(explain(error));
    process.exitCode = statusOf(error);
  }
}
