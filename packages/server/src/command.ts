import { readFileSync } from 'node:fs';
import {
  appendTo,
  ConfigError,
  createLog,
  debugPresets,
  describeSettings,
  ExitStatus,
  loadServerConfiguration,
  LOG_LEVEL_NAMES,
  logLevelOf,
  type Loaded,
  type Log,
  type LogSettings,
  type ServerSettings,
} from '@k2hft/config';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { messageOf } from './errors.js';
import { reloadServer } from './command-reload.js';
import { exitStatusOf } from './exit-status.js';
import { translateLegacyArguments } from './legacy-arguments.js';
import { outputRulesOf } from './output-rules.js';
import { serve } from './serve.js';

interface ServeFlags {
  config?: string;
  json?: string;
  logLevel?: LogSettings['level'];
  logFile?: string;
}

/** Runs the command line, and resolves with the exit status. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  let status: number = ExitStatus.DONE;
  const program = new Command('k2hft-svr')
    .description('Receives log lines and files from k2hft mounts and appends them to files, exactly once.')
    .version(softwareVersion(), '-v, --version')
    .exitOverride()
    .option(
      '-c, --config <file>',
      'configuration: YAML, JSON or INI (else the environment: K2HFT_SVR_CONFIG)',
    )
    .option('--json <text>', 'configuration as JSON (else the environment: K2HFT_SVR_JSON)')
    .option('--log-level <level>', 'silent, error, warn, info or debug, whatever the file says', readLevel)
    .option('--log-file <file>', 'append the log to a file instead of standard error')
    .action(async (flags: ServeFlags) => {
      status = await serveWith(flags);
    });
  program
    .command('reload')
    .description('has the running server read its configuration again, and says what came of it')
    .option('-c, --config <file>', 'its configuration')
    .option('--json <text>', 'its configuration as JSON')
    .action(async (given: ServeFlags) => {
      // Commander gives options that both commands have to the first one.
      const { settings } = load({ ...program.opts<ServeFlags>(), ...given });
      status = await reloadServer(
        settings.stateDir,
        (line) => process.stdout.write(`k2hft-svr: ${line}\n`),
        (line) => process.stderr.write(`k2hft-svr: ${line}\n`),
      );
    });
  program
    .command('check [file]')
    .description('validates a configuration, and prints the settings that would apply')
    .option('--json <text>', 'a configuration as JSON, in place of a file')
    .action((file: string | undefined, given: ServeFlags) => {
      // Commander gives options that both commands have to the first one.
      const json = given.json ?? program.opts<ServeFlags>().json;
      if (file === undefined && json === undefined)
        program.error('error: give the configuration that is to be checked: a file, or a text with --json');
      const { settings, notes } = loadServerConfiguration({ file, json });
      outputRulesOf(settings);
      process.stdout.write(describeSettings(settings, notes));
    });
  try {
    const { args, complaint } = translateLegacyArguments(argv);
    if (complaint !== undefined) program.error(`error: ${complaint}`);
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    return failed(error);
  }
}

/** The command line wins over the environment, and that over the file. */
function serveWith(flags: ServeFlags): Promise<number> {
  const presets = debugPresets(process.env);
  const level = flags.logLevel ?? presets.level;
  return serve({
    load() {
      const { settings, notes } = load(flags);
      return level === undefined
        ? { settings, notes }
        : { settings: { ...settings, log: { ...settings.log, level } }, notes };
    },
    software: `k2hft-svr ${softwareVersion()}`,
    logFile: flags.logFile ?? presets.file,
    warnings: presets.warning === undefined ? [] : [presets.warning],
  });
}

function load(flags: ServeFlags): Loaded<ServerSettings> {
  return loadServerConfiguration({ file: flags.config, json: flags.json });
}

function readLevel(name: string): LogSettings['level'] {
  const level = logLevelOf(name);
  if (level === undefined) throw new InvalidArgumentError(`Expected one of ${LOG_LEVEL_NAMES.join(' ')}.`);
  return level;
}

/** Says what is wrong, and which exit status that is. */
function failed(error: unknown): number {
  // Commander has printed its own message already, or the help or version that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.DONE : ExitStatus.USAGE;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return ExitStatus.CONFIGURATION;
  }
  const log: Log = createLog('k2hft-svr', { level: 'info', format: 'text' }, appendTo(2));
  log('error', messageOf(error));
  return exitStatusOf(error);
}

function softwareVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
