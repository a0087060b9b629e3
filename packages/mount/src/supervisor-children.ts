import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ExitStatus, type Log, type MountSettings } from '@k2hft/config';
import { FORWARDER_ENVIRONMENT, WORKER_CONTROL_FD, type ChildArguments } from './child-arguments.js';
import { KeptChild } from './child-process.js';
import { isForwarderMessage, type SupervisorMessage } from './forwarder-messages.js';
import { noteProcesses } from './leftover-processes.js';
import type { MountDriver } from './mount-driver.js';
import { SettingsTakeover } from './settings-takeover.js';

const WORKER_PROGRAM = fileURLToPath(new URL('./worker-main.js', import.meta.url));
const FORWARDER_PROGRAM = fileURLToPath(new URL('./forwarder-main.js', import.meta.url));
/** A little less than the time between two ticks. */
const ANSWERED_MS = 900;
/** A worker whose mount is gone has only its unfinished lines to queue. */
const WORKER_END_MS = 5_000;

export interface SupervisorChildrenOptions {
  readonly driver: MountDriver;
  readonly queueDir: string;
  /** The directory below an overlay, held open. */
  readonly rootFd: number | undefined;
  /** What a child is started with now. */
  readonly childArguments: (finishOnly: boolean) => ChildArguments;
  readonly log: Log;
  /** Where the children write their log. */
  readonly logFd: number;
  /** One of them has begun to serve. */
  readonly served: () => void;
  /** A worker has ended in order: whether that is because somebody else took the mount away, and so everything is to end. */
  readonly unmountedByOthers: () => Promise<boolean>;
  /** It makes no sense to go on; the log has the reason. `status` is what the process shall exit with. */
  readonly failed: (status: number) => void;
}

/** The worker and the forwarder, each started again when it ends, and what the forwarder is told of the worker. */
export class SupervisorChildren {
  private readonly worker: KeptChild;
  private readonly forwarder: KeptChild;
  private readonly takeover: SettingsTakeover;
  private workerServes = false;
  private forwarderServes = false;
  private toldAnsweredAtMs = 0;

  /** To be made when the mount is there. */
  constructor(private readonly options: SupervisorChildrenOptions) {
    const { logFd, driver, rootFd } = options;
    this.worker = new KeptChild({
      ...this.childOptions('mount worker', WORKER_PROGRAM),
      stdio: ['pipe', logFd, logFd, driver.fuseFd ?? 'ignore', rootFd ?? 'ignore', 'pipe'],
      started: (child) => {
        this.workerStarted(child);
      },
      isDone: options.unmountedByOthers,
    });
    this.forwarder = new KeptChild({
      ...this.childOptions('forwarder', FORWARDER_PROGRAM),
      // Without a forwarder lines are still taken: a mount that queues is better than none.
      isIndispensable: false,
      environment: FORWARDER_ENVIRONMENT,
      stdio: ['pipe', logFd, logFd, 'ipc'],
      started: (child) => {
        this.forwarderStarted(child);
      },
    });
    this.takeover = new SettingsTakeover(this.worker, this.forwarder, (settings) => {
      this.tellForwarder({ type: 'settings', settings });
    });
  }

  start(): void {
    this.worker.start();
    this.forwarder.start();
  }

  /** A write is taken, and k2hft status answers. */
  get serve(): boolean {
    return this.workerServes && this.forwarderServes;
  }

  /** The worker has answered. */
  answered(): void {
    this.worker.markServed();
    this.workerServes = true;
    this.tellAnswered();
    this.takeover.workerAnswered();
    this.options.served();
  }

  killHangingWorker(): void {
    this.worker.killBroken();
  }

  /** Children are started with `settings` from now on. Returns what is to be said about the change. */
  change(before: MountSettings, settings: MountSettings): Promise<string[]> {
    return this.takeover.run(before, settings);
  }

  /**
   * Ends the worker of a mount that was taken away; `isDetached`: programs still use it, and it is killed. Resolves with true when
   * it has queued what was unfinished.
   */
  endWorker(isDetached: boolean): Promise<boolean> {
    // A detached mount lives on for those who use it, and its worker would serve them for ever.
    return this.worker.end(isDetached ? 0 : WORKER_END_MS);
  }

  /** A worker that was killed, or served a detached mount, has left unfinished lines: a last one queues them. */
  async finishLines(): Promise<void> {
    const { logFd } = this.options;
    const finisher = new KeptChild({
      ...this.childOptions('last mount worker', WORKER_PROGRAM),
      input: () => JSON.stringify(this.options.childArguments(true)),
      stdio: ['pipe', logFd, logFd],
      started: () => undefined,
    });
    finisher.start();
    await finisher.end(WORKER_END_MS);
  }

  /** The forwarder delivers what it can within `graceMs`. */
  async endForwarder(graceMs: number): Promise<void> {
    this.tellForwarder({ type: 'stop', graceMs });
    await this.forwarder.end(graceMs + WORKER_END_MS);
  }

  private childOptions(name: string, program: string) {
    const { log, failed } = this.options;
    return {
      name,
      program,
      isIndispensable: true,
      input: () => JSON.stringify(this.options.childArguments(false)),
      warn: (message: string) => {
        log('warn', message);
      },
      givenUp: (reason: string) => {
        log('error', `${reason}; unmounting, since an error is better than a hang`);
        failed(ExitStatus.FAULT);
      },
    };
  }

  private workerStarted(child: ChildProcess): void {
    const { driver, failed } = this.options;
    const control = (child.stdio as readonly unknown[])[WORKER_CONTROL_FD] as Socket;
    control.on('data', (bytes: Buffer) => {
      driver.heard(bytes);
    });
    control.on('error', () => undefined);
    driver.workerStarted();
    child.once('exit', (status) => {
      // It has said why it cannot mount, and the next one could not either.
      if (status === ExitStatus.UNAVAILABLE && !this.workerServes) failed(ExitStatus.UNAVAILABLE);
    });
    if (child.pid !== undefined) this.tellForwarder({ type: 'worker', pid: child.pid });
    this.noteChildren();
  }

  private forwarderStarted(child: ChildProcess): void {
    child.on('message', (message: unknown) => {
      if (!isForwarderMessage(message)) return;
      if (message.type === 'up') this.forwarderUp();
      else if (message.type === 'changed') this.takeover.forwarderTook();
      // Room or a checkpoint may be what a request in the worker waits for.
      else this.options.driver.progress();
    });
    child.on('error', () => undefined);
    const { pid } = this.worker;
    if (pid !== undefined) this.tellForwarder({ type: 'worker', pid });
    this.noteChildren();
  }

  private forwarderUp(): void {
    this.forwarder.markServed();
    this.forwarderServes = true;
    this.takeover.forwarderUp();
    this.options.served();
  }

  private tellForwarder(message: SupervisorMessage): void {
    const child = this.forwarder.process;
    if (child?.connected === true) child.send(message, () => undefined);
  }

  /** Ticks come fast while requests wait; the forwarder wants to hear once a second. */
  private tellAnswered(): void {
    const nowMs = performance.now();
    if (nowMs - this.toldAnsweredAtMs < ANSWERED_MS) return;
    this.toldAnsweredAtMs = nowMs;
    const restarts = { worker: this.worker.restarts, forwarder: this.forwarder.restarts };
    this.tellForwarder({ type: 'answered', restarts });
  }

  private noteChildren(): void {
    const pids = [this.worker.pid, this.forwarder.pid].filter((pid) => pid !== undefined);
    noteProcesses(this.options.queueDir, pids);
  }
}
