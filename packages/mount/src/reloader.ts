import { tellServiceManager, type Log, type LogLevel, type MountSettings } from '@k2hft/config';
import { explain, statusOf } from './failure.js';
import type { MountPlan } from './mount-plan.js';
import { nowNs, writeReloadOutcome } from './reload-outcome.js';
import { refusedChanges } from './settings-change.js';

export interface ReloaderOptions {
  readonly plan: MountPlan;
  /** Reads the configuration again, with the same command line. Throws ConfigError, CommandError. */
  read(): MountPlan;
  /** Goes over to other settings; returns what is to be said about it. */
  change(settings: MountSettings): Promise<string[]>;
  log: Log;
}

/**
 * Reads the configuration again, checks all of it, and goes over to it, or leaves everything as it is and says why. One
 * at a time; what is asked for meanwhile is one more.
 */
export class Reloader {
  private settings: MountSettings;
  private isWorking = false;
  private isWanted = false;

  constructor(private readonly options: ReloaderOptions) {
    this.settings = options.plan.settings;
  }

  request(): void {
    this.isWanted = true;
    if (!this.isWorking) void this.work();
  }

  private async work(): Promise<void> {
    this.isWorking = true;
    while (this.isWanted) {
      this.isWanted = false;
      await this.reload();
    }
    this.isWorking = false;
  }

  private async reload(): Promise<void> {
    const { log, plan } = this.options;
    const begunNs = nowNs();
    log('info', 'reading the configuration again');
    await tellServiceManager(log, 'RELOADING=1', `MONOTONIC_USEC=${begunNs / 1000n}`);
    const outcome = await this.attempt();
    for (const message of outcome.messages) log(outcome.done ? 'warn' : 'error', message);
    log(...summary(outcome.done));
    await tellServiceManager(log, 'READY=1', `STATUS=mounted ${plan.mountPoint}`);
    try {
      writeReloadOutcome(plan.mountPoint, { begunNs: String(begunNs), ...outcome });
    } catch (error) {
      log('warn', `k2hft reload does not hear of this: ${String(error)}`);
    }
  }

  private async attempt(): Promise<{ done: boolean; messages: string[] }> {
    try {
      const { settings, notes } = this.options.read();
      const refused = refusedChanges(this.settings, settings);
      if (refused.length > 0) return { done: false, messages: refused };
      this.settings = settings;
      const warnings = notes.filter(({ level }) => level === 'warn').map(({ message }) => message);
      return { done: true, messages: [...warnings, ...(await this.options.change(settings))] };
    } catch (error) {
      // A fault of ours is in the log with its stack.
      if (statusOf(error) === 70) throw error;
      return { done: false, messages: linesOf(explain(error)) };
    }
  }
}

function summary(done: boolean): [LogLevel, string] {
  return done ? ['info', 'the configuration is in force'] : ['error', 'the old configuration stays'];
}

function linesOf(explanation: string): string[] {
  return explanation
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^k2hft: /, ''));
}
