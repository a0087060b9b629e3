import assert from 'node:assert';
import { printable, type Log } from '@k2hft/config';
import { Complaint } from './complaint.js';
import { messageOf } from './errors.js';
import { InputBuffer, type InputOptions } from './input-buffer.js';
import type { PluginStdout } from './output-file.js';
import { RestartDelay } from './restart-delay.js';
import { RunningPlugin } from './running-plugin.js';
import { LineAllowance } from './standard-error.js';
import { DEFAULT_TUNING, type PluginTuning } from './tuning.js';

/**
 * ```
 * idle ──start()──▶ starting ──it runs──▶ running ──its output file has gone──▶ renewing
 *                     ▲ ▲ └─ cannot be started ─┐ │ ended                          │
 *                     │ └──── delay over ──── waiting ◀┘                           │
 *                     └──────────────────────────── ended ─────────────────────────┘
 * ```
 * From every state stop() leads to `stopping`, and when nothing is left of the process, to `stopped`.
 */
export type PluginState = 'idle' | 'starting' | 'running' | 'waiting' | 'renewing' | 'stopping' | 'stopped';

export interface PluginOptions {
  /** As it is called in the log. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly stdout: PluginStdout;
  readonly log: Log;
  /** More may be written, after write() had returned false. */
  readonly onDrain?: () => void;
  readonly tuning?: Partial<PluginTuning>;
}

/** What `k2hft status` tells of a plugin. */
export interface PluginStatus {
  state: PluginState;
  pid: number | undefined;
  /** Starts after the first. */
  restarts: number;
  /** Given to the pipes of all its processes. */
  fedBytes: number;
  lastError: { message: string; atMs: number } | undefined;
}

/** How often, at an orderly end, it is looked whether the pipe has taken the record that was begun. */
const FINISH_POLL_MS = 5;
const FINISH_MS = 1_000;

/**
 * A child process that is fed on its standard input: what is written goes to it in order, and never waits for it. When
 * it ends it is started again. What its pipe had taken is lost to it then; a record that the pipe had taken in part is
 * given to the next process from its beginning. Its environment is ours, its working directory is `/`.
 *
 * When this process is killed, the plugin reads the end of its standard input.
 */
export class PluginProcess {
  private state: PluginState = 'idle';
  private readonly input = new InputBuffer();
  private readonly tuning: PluginTuning;
  private readonly delay: RestartDelay;
  private readonly complaint: Complaint;
  private readonly allowance = new LineAllowance(performance.now());
  private running: RunningPlugin | undefined;
  private work: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private watch: NodeJS.Timeout | undefined;
  private starts = 0;
  private fedBytes = 0;
  private lastError: PluginStatus['lastError'];
  private wantsDrain = false;
  private emptyWaiters: (() => void)[] = [];

  constructor(private readonly options: PluginOptions) {
    this.tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.delay = new RestartDelay(this.tuning);
    this.complaint = new Complaint(options.log);
  }

  /** Bytes that no pipe has taken. */
  get waitingBytes(): number {
    return this.input.waitingBytes;
  }

  start(): void {
    assert(this.state === 'idle', 'a plugin is started once');
    this.begin();
  }

  /**
   * Takes bytes, which must not change any more. True: more may come at once; false: wait for onDrain. Bytes that
   * come nevertheless are kept, and so are those that come before start().
   */
  write(bytes: Buffer, options: InputOptions = {}): boolean {
    this.input.push(bytes, options);
    this.pump();
    if (this.input.waitingBytes <= this.tuning.waitingBytesMax) return true;
    this.wantsDrain = true;
    return false;
  }

  /** Resolves when a pipe has taken everything that was written, or when the plugin is stopped. */
  emptied(): Promise<void> {
    if (this.input.waitingBytes === 0 || this.state === 'stopped') return Promise.resolve();
    return new Promise((resolve) => {
      this.emptyWaiters.push(resolve);
    });
  }

  status(): PluginStatus {
    const { state, fedBytes, lastError } = this;
    return { state, pid: this.running?.pid, restarts: Math.max(0, this.starts - 1), fedBytes, lastError };
  }

  /** Closes its standard input; after `graceMs` it gets SIGTERM, at last SIGKILL. Resolves when nothing is left of it. */
  async stop(graceMs = this.tuning.graceMs, termMs = this.tuning.termMs): Promise<void> {
    if (this.state !== 'stopped') this.state = 'stopping';
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    // A start that is under way ends at once; an orderly end that is under way is not made shorter.
    await Promise.all([this.running?.end(graceMs, termMs), this.work]);
    await this.running?.end(graceMs, termMs);
    this.running = undefined;
    this.state = 'stopped';
    for (const resolve of this.emptyWaiters.splice(0)) resolve();
  }

  private begin(): void {
    this.state = 'starting';
    this.work = this.launch().catch((error: unknown) => {
      this.failed(messageOf(error), 0);
    });
  }

  private async launch(): Promise<void> {
    const { name, command, stdout, log } = this.options;
    const plugin = await RunningPlugin.start({
      name,
      command,
      stdout,
      input: this.input,
      log,
      allowance: this.allowance,
      took: (bytes) => {
        this.took(bytes);
      },
      deaf: () => {
        void plugin.end(this.tuning.graceMs, this.tuning.termMs);
      },
    });
    this.running = plugin;
    this.starts++;
    if (this.isStopping()) return;
    this.state = 'running';
    this.input.rewind();
    void plugin.ended.then((how) => {
      this.processEnded(plugin, how);
    });
    if (stdout.kind === 'file') this.watchOutput(plugin);
    log('debug', `plugin ${name}: started as process ${plugin.pid}`);
    this.pump();
  }

  private isStopping(): boolean {
    return this.state === 'stopping' || this.state === 'stopped';
  }

  private pump(): void {
    if (this.state === 'running') this.running?.pump();
  }

  private took(bytes: number): void {
    this.fedBytes += bytes;
    const { waitingBytes } = this.input;
    if (this.wantsDrain && waitingBytes <= this.tuning.waitingBytesMax / 2) {
      this.wantsDrain = false;
      this.options.onDrain?.();
    }
    if (waitingBytes === 0) for (const resolve of this.emptyWaiters.splice(0)) resolve();
  }

  private processEnded(plugin: RunningPlugin, how: string): void {
    if (this.isStopping() || this.running !== plugin) return;
    this.running = undefined;
    clearTimeout(this.watch);
    if (this.state === 'renewing') this.begin();
    else this.failed(how, performance.now() - plugin.startedAtMs);
  }

  private failed(reason: string, ranMs: number): void {
    if (this.isStopping()) return;
    this.state = 'waiting';
    const message = printable(reason);
    this.lastError = { message, atMs: Date.now() };
    if (ranMs >= this.tuning.provenAfterMs) this.complaint.forget();
    this.complaint.say(`plugin ${this.options.name}: ${message}; it is started again`, performance.now());
    this.timer = setTimeout(() => {
      this.begin();
    }, this.delay.next(ranMs));
  }

  private watchOutput(plugin: RunningPlugin): void {
    this.watch = setTimeout(() => {
      void this.lookAtOutput(plugin);
    }, this.tuning.watchMs);
  }

  private async lookAtOutput(plugin: RunningPlugin): Promise<void> {
    const isCurrent = await plugin.isOutputCurrent();
    if (this.state !== 'running' || this.running !== plugin) return;
    if (isCurrent) {
      this.watchOutput(plugin);
      return;
    }
    this.state = 'renewing';
    this.options.log('info', `plugin ${this.options.name}: its output file has gone, it gets a new one`);
    await this.renew(plugin);
  }

  /** The process gets the rest of the record that it has begun, and an orderly end; then the next one is started. */
  private async renew(plugin: RunningPlugin): Promise<void> {
    const deadlineMs = performance.now() + FINISH_MS;
    while (!plugin.finishRecord() && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, FINISH_POLL_MS));
    }
    await plugin.end(this.tuning.graceMs, this.tuning.termMs);
  }
}
