import { readFileSync } from 'node:fs';
import {
  ConfigError,
  createLog,
  describeSettings,
  ExitStatus,
  loadServerConfiguration,
  type Loaded,
  type Log,
  type ServerSettings,
} from '@k2hft/config';
import { Command, CommanderError } from 'commander';
import { messageOf } from './errors.js';
import { exitStatusOf } from './exit-status.js';
import { outputRulesOf } from './output-rules.js';
import { serve } from './serve.js';

interface ServeFlags {
  config?: string;
  json?: string;
}

/** Runs the command line, and resolves with the exit status. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  let status: number = ExitStatus.DONE;
  const program = new Command('k2hft-svr')
    .description('Receives log lines and files from k2hft mounts and appends them to files, exactly once.')
    .version(softwareVersion())
    .exitOverride()
    .option(
      '-c, --config <file>',
      'configuration: YAML, JSON or INI (else the environment: K2HFT_SVR_CONFIG)',
    )
    .option('--json <text>', 'configuration as JSON (else the environment: K2HFT_SVR_JSON)')
    .action(async (flags: ServeFlags) => {
      status = await serve({ load: () => load(flags), software: `k2hft-svr ${softwareVersion()}` });
    });
  program
    .command('check <file>')
    .description('validates a configuration, and prints the settings that would apply')
    .action((file: string) => {
      const { settings, notes } = load({ config: file });
      outputRulesOf(settings);
      process.stdout.write(describeSettings(settings, notes));
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    return failed(error);
  }
}

function load(flags: ServeFlags): Loaded<ServerSettings> {
  return loadServerConfiguration({ file: flags.config, json: flags.json });
}

/** Says what is wrong, and which exit status that is. */
function failed(error: unknown): number {
  // Commander has printed its own message already, or the help or version that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.DONE : ExitStatus.USAGE;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return ExitStatus.CONFIGURATION;
  }
  const log: Log = createLog('k2hft-svr', { level: 'info', format: 'text' }, (line) =>
    process.stderr.write(line),
  );
  log('error', messageOf(error));
  return exitStatusOf(error);
}

function softwareVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
