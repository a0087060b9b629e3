import {
  appendTo,
  createLog,
  ExitStatus,
  formatNote,
  notifyServiceManager,
  tellServiceManager,
  openLogFile,
  type Loaded,
  type Log,
  type LogWriter,
  type ServerSettings,
} from '@k2hft/config';
import { endPluginsOfFault } from '@k2hft/plugin';
import { endProcess } from '@k2hft/queue';
import { atMost } from './deadline.js';
import { messageOf, ServerError } from './errors.js';
import { exitStatusOf } from './exit-status.js';
import { compileOutputRules, supportedOutput, type OutputRules } from './output-rules.js';
import { refusedChanges } from './reload.js';
import { writeReloadOutcome } from './reload-outcome.js';
import { Service } from './service.js';
import { isEchoOfFailedCommit } from './state.js';

export interface ServeOptions {
  /** Reads the configuration, now and at each SIGHUP. Throws ConfigError. */
  load: () => Loaded<ServerSettings>;
  /** Name and version, as sources see it. */
  software: string;
  /** Takes the log in place of standard error. */
  logFile: string | undefined;
  /** Said once, at the start. */
  warnings: readonly string[];
}

const MICROSECOND_NS = 1000n;

/** Standard error. */
const STDERR = 2;

/** What plugins have at a fault, until SIGTERM and until SIGKILL: a server that cannot go on is to be started again soon. */
const FAULT_GRACE_MS = 1_000;
const FAULT_TERM_MS = 500;

/**
 * Serves until SIGTERM or SIGINT, and resolves with the exit status. SIGHUP reads the configuration again and opens the
 * output files anew.
 */
export async function serve({ load, software, logFile, warnings }: ServeOptions): Promise<number> {
  const loaded = load();
  const { settings } = loaded;
  let inForce = settings;
  const write = logFile === undefined ? appendTo(STDERR) : logWriter(logFile);
  let currentLog = createLog('k2hft-svr', settings.log, write);
  const log: Log = (level, message) => {
    currentLog(level, message);
  };
  for (const warning of warnings) log('warn', warning);
  guardProcess(log);
  warnOf(loaded, log);
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stopping.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, stopping.abort.bind(stopping, signal));
  // A HUP that comes before there is anything to open anew must not end the process.
  let onHangup = (): void => undefined;
  process.on('SIGHUP', () => {
    onHangup();
  });
  try {
    const service = await Service.start({ settings, software, log, signal: stopping.signal });
    const hangup = async () => {
      log('info', 'SIGHUP: reading the configuration again, and opening the output files anew');
      const begunNs = process.hrtime.bigint();
      await tellServiceManager(log, 'RELOADING=1', `MONOTONIC_USEC=${begunNs / MICROSECOND_NS}`);
      const reasons: string[] = [];
      const reloaded = reload(inForce, load, log, reasons);
      if (reloaded !== undefined) {
        currentLog = createLog('k2hft-svr', reloaded.settings.log, write);
        inForce = reloaded.settings;
      }
      service.reopen(reloaded);
      if (reloaded !== undefined) log('info', 'the configuration is in force');
      await tellServiceManager(log, 'READY=1', `STATUS=listening on ${service.url}`);
      try {
        writeReloadOutcome(settings.stateDir, { begunNs: String(begunNs), reasons });
      } catch (error) {
        log('warn', `k2hft-svr reload does not hear of this: ${messageOf(error)}`);
      }
    };
    let hangups = Promise.resolve();
    onHangup = () => {
      hangups = hangups.then(hangup);
    };
    const admin = await listenForOperators(service, settings.admin, log);
    announce(settings, service.url, log);
    await Promise.race([stopped, service.failed]);
    notifyServiceManager(log, 'STOPPING=1', 'STATUS=ending');
    await admin?.close();
    await atMost(inForce.shutdownTimeoutMs, service.stop());
    return ExitStatus.DONE;
  } catch (error) {
    if (stopping.signal.aborted) return ExitStatus.DONE;
    log('error', messageOf(error));
    endPluginsOfFault(FAULT_GRACE_MS, FAULT_TERM_MS);
    return exitStatusOf(error);
  }
}

/** The configuration as it is now, all of it or nothing; undefined when it cannot be used, and the old one stays. */
function reload(
  inForce: ServerSettings,
  load: () => Loaded<ServerSettings>,
  log: Log,
  /** Gets what speaks against it. */
  reasons: string[],
): { settings: ServerSettings; rules: OutputRules | undefined } | undefined {
  try {
    const loaded = load();
    const { settings } = loaded;
    const output = supportedOutput(settings);
    const rules = output && compileOutputRules(output);
    const refused = refusedChanges(inForce, settings);
    if (refused.length > 0) {
      reasons.push(...refused);
      for (const reason of refused) log('error', reason);
      log('error', 'the configuration is refused, the old one stays');
      return undefined;
    }
    warnOf(loaded, log);
    return { settings, rules };
  } catch (error) {
    reasons.push(messageOf(error));
    log('error', `the configuration cannot be used, the old one stays: ${messageOf(error)}`);
    return undefined;
  }
}

/** What only this needs is not loaded by the others: it is some megabytes. */
async function listenForOperators(
  service: Service,
  settings: ServerSettings['admin'],
  log: Log,
): Promise<{ close(): Promise<void> } | undefined> {
  if (settings.listen === undefined) return undefined;
  const { openAdmin } = await import('./service-admin.js');
  return openAdmin(service, settings, log);
}

/** Says what of the configuration is without effect, or not what it seems. */
function warnOf({ notes }: Loaded<ServerSettings>, log: Log): void {
  for (const note of notes) if (note.level === 'warn') log('warn', formatNote(note));
}

/** Throws ServerError. */
function logWriter(file: string): LogWriter {
  try {
    return appendTo(openLogFile(file));
  } catch (error) {
    throw new ServerError('log_file', `cannot write the log file: ${messageOf(error)}`);
  }
}

/** Whoever has started the server waits for this, whatever the log level is and wherever the log goes. */
function announce(settings: ServerSettings, url: string, log: Log): void {
  const announcing = createLog('k2hft-svr', { level: 'info', format: settings.log.format }, appendTo(STDERR));
  announcing('info', `listening on ${url}`);
  notifyServiceManager(log, 'READY=1', `STATUS=listening on ${url}`);
}

/** A failed commit rejects promises inside LMDB that nobody can reach; everything else that nobody handles is a fault. */
function guardProcess(log: Log): void {
  const fault = (error: unknown): void => {
    log('error', `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    endPluginsOfFault(FAULT_GRACE_MS, FAULT_TERM_MS);
    endProcess(ExitStatus.FAULT);
  };
  process.on('uncaughtException', fault);
  process.on('unhandledRejection', (error) => {
    if (!isEchoOfFailedCommit(error)) fault(error);
  });
}
