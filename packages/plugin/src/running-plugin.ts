import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readFileSync } from 'node:fs';
import type { Log } from '@k2hft/config';
import { messageOf, PluginError } from './errors.js';
import type { InputBuffer } from './input-buffer.js';
import { openOutput, type OpenedOutput, type PluginStdout } from './output-file.js';
import { PipeWriter } from './pipe-writer.js';
import { logStandardError, type LineAllowance } from './standard-error.js';
import { openPipe } from './standard-input.js';

/** Plugins that are being ended. When we end before them, they are killed; the others read the end of their input. */
const ending = new Set<RunningPlugin>();

/** All that may have a process. */
const alive = new Set<RunningPlugin>();
let isOver = false;

process.on('exit', () => {
  for (const plugin of ending) plugin.kill();
});

/** How often it is looked whether plugins have ended, when nothing else may run. */
const FAULT_POLL_MS = 20;

/**
 * For a process that must end because of a fault: plugins read the end of their inputs; those that have not ended within `graceMs` get
 * SIGTERM, after `termMs` SIGKILL. No other code of this process runs meanwhile, and no plugin is started any more.
 */
export function endPluginsOfFault(graceMs: number, termMs: number): void {
  isOver = true;
  for (const plugin of alive) plugin.endInput();
  waitForEnds(graceMs);
  for (const plugin of alive) plugin.signal('SIGTERM');
  waitForEnds(termMs);
  for (const plugin of alive) plugin.kill();
}

function waitForEnds(limitMs: number): void {
  const deadlineMs = performance.now() + limitMs;
  const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  while (performance.now() < deadlineMs && [...alive].some((plugin) => plugin.isRunning())) {
    Atomics.wait(never, 0, 0, FAULT_POLL_MS);
  }
}

/** After the process has ended, what it said last is waited for so long: another process may hold its standard error. */
const LAST_WORDS_MS = 200;

export interface RunningPluginOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly stdout: PluginStdout;
  readonly input: InputBuffer;
  readonly log: Log;
  readonly allowance: LineAllowance;
  readonly took: (bytes: number) => void;
  /** It does not read its standard input any more, though it lives. */
  readonly deaf: () => void;
}

/** One process of a plugin, from its start to its end; it leads a process group of its own. */
export class RunningPlugin {
  readonly pid: number;
  readonly startedAtMs = performance.now();
  /** Resolves, with how the process ended, when nothing is left of it and of its group. */
  readonly ended: Promise<string>;
  private readonly writer: PipeWriter;
  private readonly exited: Promise<string>;
  /** The process has ended, and everybody who could write to its standard error. */
  private readonly closed: Promise<void>;
  private isEnding = false;
  private endedBy: Promise<void> | undefined;

  private constructor(
    private readonly child: ChildProcess,
    pid: number,
    private readonly output: OpenedOutput | undefined,
    writeFd: number,
    options: RunningPluginOptions,
  ) {
    const { name, input, log, allowance, took, deaf } = options;
    this.pid = pid;
    this.writer = new PipeWriter({ fd: writeFd, input, took, broken: deaf });
    if (child.stderr !== null) logStandardError(child.stderr, name, log, allowance);
    child.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        this.writer.close();
        resolve(signal === null ? `ended with status ${status ?? -1}` : `was ended by ${signal}`);
      });
    });
    this.closed = new Promise((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    alive.add(this);
    this.ended = this.afterExit();
  }

  /** Rejects with PluginError. */
  static async start(options: RunningPluginOptions): Promise<RunningPlugin> {
    if (isOver) throw new PluginError('no_program', 'this process is ending');
    const [program = '', ...args] = options.command;
    const output = options.stdout.kind === 'file' ? await openOutput(options.stdout) : undefined;
    const opened = output === undefined ? [] : [output.fd];
    try {
      const { readFd, writeFd } = await openPipe();
      opened.push(readFd);
      try {
        const child = spawn(program, args, {
          cwd: '/',
          stdio: [readFd, output?.fd ?? 'ignore', 'pipe'],
          // A group of its own, so that what a shell has started ends with it; and a terminal's Ctrl-C is not for it.
          detached: true,
        });
        if (child.pid === undefined) throw await reasonOf(child);
        return new RunningPlugin(child, child.pid, output, writeFd, options);
      } catch (error) {
        closeSync(writeFd);
        throw new PluginError('no_program', `cannot start ${program}: ${messageOf(error)}`, { cause: error });
      }
    } finally {
      // The process has its own copies.
      for (const fd of opened) closeSync(fd);
    }
  }

  /** Its output file is still the one that is there. */
  async isOutputCurrent(): Promise<boolean> {
    return this.output === undefined || (await this.output.isCurrent());
  }

  pump(): void {
    if (!this.isEnding) this.writer.pump();
  }

  /** Finishes the record that was begun; true when that is done. */
  finishRecord(): boolean {
    return this.writer.finishRecord();
  }

  /** Closes its standard input; it gets `graceMs` to end, then SIGTERM, after `termMs` SIGKILL. */
  async end(graceMs: number, termMs: number): Promise<void> {
    this.isEnding = true;
    ending.add(this);
    this.endedBy ??= this.endInSteps(graceMs, termMs);
    await this.endedBy;
    await this.ended;
    ending.delete(this);
  }

  /** Ends it and its group at once. */
  kill(): void {
    this.signal('SIGKILL');
  }

  endInput(): void {
    this.isEnding = true;
    this.writer.close();
  }

  /** Asks the system: what it has told us of ends may not have been heard yet. */
  isRunning(): boolean {
    try {
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1');
      return !/\) [ZX] /.test(stat);
    } catch {
      return false;
    }
  }

  /** To its process group. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody is left.
    }
  }

  private async endInSteps(graceMs: number, termMs: number): Promise<void> {
    this.writer.close();
    if (await isWithin(graceMs, this.closed)) return;
    this.signal('SIGTERM');
    if (await isWithin(termMs, this.closed)) return;
    this.kill();
  }

  private async afterExit(): Promise<string> {
    const how = await this.exited;
    // At an orderly end, those that it has started may finish as well.
    await this.endedBy;
    this.kill();
    alive.delete(this);
    if (!(await isWithin(LAST_WORDS_MS, this.closed))) this.child.stderr?.destroy();
    return how;
  }
}

async function reasonOf(child: ChildProcess): Promise<unknown> {
  const [error] = (await once(child, 'error').catch((thrown: unknown) => [thrown])) as unknown[];
  return error;
}

/** Whether `work` is done before so much time is over. */
async function isWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  const result = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return result;
}
