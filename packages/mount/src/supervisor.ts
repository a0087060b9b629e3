import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Socket } from 'node:net';
import { ExitStatus, notifyServiceManager, type Log, type MountSettings } from '@k2hft/config';
import { findMount, fuseUnmount, MountError } from '@k2hft/fuse';
import { lockQueue, makeWakeFifo, type QueueLock } from '@k2hft/queue';
import {
  childEnvironment,
  type RootOwner,
  WORKER_CONTROL_FD,
  type ChildArguments,
} from './child-arguments.js';
import { Awaited } from './awaited.js';
import { KeptChild } from './child-process.js';
import { isForwarderMessage, type SupervisorMessage } from './forwarder-messages.js';
import { endLeftovers, noteProcesses } from './leftover-processes.js';
import { defaultStatusSocket, registerMount, unregisterMount } from './mount-registry.js';
import { concernsWorker } from './settings-change.js';
import { FILE_SYSTEM_TYPE, prepareMountPoint } from './mount-point.js';
import { makeDriver, type MountDriver } from './mount-driver.js';
import { prepareQueueFolder } from './queue-folder.js';

const WORKER_PROGRAM = fileURLToPath(new URL('./worker-main.js', import.meta.url));
const FORWARDER_PROGRAM = fileURLToPath(new URL('./forwarder-main.js', import.meta.url));
/** How often a busy mount point is tried again while the supervisor wants to end. */
const BUSY_RETRY_MS = 200;
/** A little less than the time between two ticks. */
const ANSWERED_MS = 900;
/** Plugins that a forwarder ends get some seconds. */
const FORWARDER_CHANGE_MS = 20_000;
/** A new worker serves in less than a second, on a busy machine in a few. */
const WORKER_CHANGE_MS = 20_000;
/** A worker whose mount is gone has only its unfinished lines to queue. */
const WORKER_END_MS = 5_000;

/**
 * States of the supervisor: `starting` (until the first tick is answered), `serving`, `stopping` (unmounting and
 * ending the children), `stopped`.
 */
type State = 'starting' | 'serving' | 'stopping' | 'stopped';

export interface SupervisorOptions {
  settings: MountSettings;
  mountPoint: string;
  /** What the list of mounts shows as the source; the program's name when undefined. */
  source: string | undefined;
  /** Further options for mount(8). */
  flags: readonly string[];
  /** Somebody asked for other users to be let in; it is not only the default. */
  mustAllowOther: boolean;
  log: Log;
  /** Where the children write their log. */
  logFd: number;
  /** The mount is served. */
  ready(): void;
  /** Everything has ended; the process may exit with `status`. */
  ended(status: number): void;
}

/**
 * The process that has the mount, so that it outlives whoever serves it, where the driver can do that. It starts the worker
 * and the forwarder, starts them again when they end, and watches over the worker.
 */
export class Supervisor {
  private state: State = 'starting';
  private readonly driver: MountDriver;
  private worker: KeptChild | undefined;
  private forwarder: KeptChild | undefined;
  private lock: QueueLock | undefined;
  private workerServes = false;
  private forwarderServes = false;
  private rootFd: number | undefined;
  private rootOwner: RootOwner | undefined;
  private toldAnsweredAtMs = 0;
  private readonly mountId = randomUUID();
  private readonly workerChanged = new Awaited();
  private replacedPid: number | undefined;
  private readonly forwarderChanged = new Awaited();

  constructor(private options: SupervisorOptions) {
    const { settings, mountPoint, source, flags, mustAllowOther, log } = options;
    this.driver = makeDriver({
      settings,
      mountPoint,
      source,
      flags,
      mustAllowOther,
      log,
      answered: () => {
        this.answered();
      },
      hangs: () => {
        log('error', 'the mount worker does not answer; it is killed and started again');
        this.worker?.killBroken();
      },
    });
  }

  /** Mounts and starts the children. Throws MountError, QueueError or a system error before anything is mounted. */
  async start(): Promise<void> {
    const { settings, mountPoint, log } = this.options;
    await prepareMountPoint(mountPoint, log);
    prepareQueueFolder(settings.queue.dir);
    this.lock = await lockQueue(settings.queue.dir, `k2hft mount ${mountPoint}`);
    await endLeftovers(settings.queue.dir);
    makeWakeFifo(settings.queue.dir);
    this.rootOwner = ownerOf(mountPoint);
    if (settings.mount.mode === 'overlay') this.rootFd = openSync(mountPoint, 'r');
    await this.driver.mount();
    try {
      this.startChildren();
    } catch (error) {
      await fuseUnmount(mountPoint, { lazy: true });
      throw error;
    }
    this.register();
    this.driver.start();
  }

  /** Unmounts, ends the children in order, and reports the end. `status` is what the process shall exit with. */
  async stop(status: number): Promise<void> {
    if (this.state === 'stopping' || this.state === 'stopped') return;
    this.state = 'stopping';
    notifyServiceManager(this.options.log, 'STOPPING=1', 'STATUS=unmounting');
    const { mountPoint, settings, log } = this.options;
    const deadlineMs = performance.now() + settings.shutdownTimeoutMs;
    const detached = await this.unmount(deadlineMs);
    this.driver.stop();
    // A detached mount lives on for those who use it, and its worker would serve them for ever.
    await this.worker?.end(detached ? 0 : WORKER_END_MS);
    await this.driver.workersEnded();
    await this.finishLines();
    const graceMs = Math.max(0, deadlineMs - performance.now());
    this.tellForwarder({ type: 'stop', graceMs });
    await this.forwarder?.end(graceMs + WORKER_END_MS);
    unregisterMount(mountPoint);
    await this.lock?.release();
    this.state = 'stopped';
    log('info', `unmounted ${mountPoint}`);
    this.options.ended(status);
  }

  /**
   * Goes over to other settings, which must differ in nothing that refusedChanges() names; to be called while it serves.
   * The mount stays. Returns what is to be said about it.
   */
  async change(settings: MountSettings): Promise<string[]> {
    const before = this.options.settings;
    this.options = { ...this.options, settings };
    const said: string[] = [];
    // First it, so that the worker puts nothing into the queue that it does not know of.
    if (this.forwarder?.process !== undefined) {
      const changed = this.forwarderChanged.within(FORWARDER_CHANGE_MS);
      this.tellForwarder({ type: 'settings', settings });
      if (!(await changed)) {
        said.push('the forwarder did not take the settings in time; it was started again with them');
        this.forwarder.replace();
      }
    }
    if (!concernsWorker(before, settings)) return said;
    const changed = this.workerChanged.within(WORKER_CHANGE_MS);
    this.replacedPid = this.worker?.pid;
    this.worker?.replace();
    if (!(await changed)) said.push('the mount worker has the settings, but does not serve yet: see the log');
    return said;
  }

  /** Without it only k2hft status and k2hft umount do not find the mount. */
  private register(): void {
    const { mountPoint, settings, log } = this.options;
    const statusSocket = settings.admin.socket ?? defaultStatusSocket(mountPoint);
    try {
      registerMount({ mountPoint, supervisorPid: process.pid, queueDir: settings.queue.dir, statusSocket });
    } catch (error) {
      log('warn', `k2hft status will not find this mount: ${String(error)}`);
    }
  }

  private noteChildren(): void {
    const pids = [this.worker?.pid, this.forwarder?.pid].filter((pid) => pid !== undefined);
    noteProcesses(this.options.settings.queue.dir, pids);
  }

  private startChildren(): void {
    const root = this.rootFd ?? ('ignore' as const);
    const { logFd } = this.options;
    this.worker = new KeptChild({
      ...this.childOptions('mount worker', WORKER_PROGRAM),
      stdio: ['ignore', logFd, logFd, this.driver.fuseFd ?? 'ignore', root, 'pipe'],
      started: (child) => {
        this.workerStarted(child);
      },
      isDone: () => this.unmountedByOthers(),
    });
    this.forwarder = new KeptChild({
      ...this.childOptions('forwarder', FORWARDER_PROGRAM),
      // Without a forwarder lines are still taken: a mount that queues is better than none.
      isIndispensable: false,
      stdio: ['ignore', logFd, logFd, 'ipc'],
      started: (child) => {
        this.forwarderStarted(child);
      },
    });
    this.worker.start();
    this.forwarder.start();
  }

  private childOptions(name: string, program: string) {
    const { log } = this.options;
    return {
      name,
      program,
      isIndispensable: true,
      environment: () => childEnvironment(this.childArguments(false)),
      warn: (message: string) => {
        log('warn', message);
      },
      givenUp: (reason: string) => {
        log('error', `${reason}; unmounting, since an error is better than a hang`);
        void this.stop(ExitStatus.FAULT);
      },
    };
  }

  /** umount(8) works as well as k2hft umount: a worker whose mount is gone ends by itself, and so does everything else. */
  private async unmountedByOthers(): Promise<boolean> {
    if ((await findMount(this.options.mountPoint))?.type === FILE_SYSTEM_TYPE) return false;
    void this.stop(ExitStatus.DONE);
    return true;
  }

  private childArguments(finishOnly: boolean): ChildArguments {
    const { settings, mountPoint } = this.options;
    const { mountId, rootOwner } = this;
    if (rootOwner === undefined) throw new Error('children are started after the mount');
    const { mounting } = this.driver;
    return { settings, mountPoint, mountId, mounting, rootOwner, finishOnly };
  }

  private workerStarted(child: ChildProcess): void {
    const control = (child.stdio as readonly unknown[])[WORKER_CONTROL_FD] as Socket;
    control.on('data', (bytes: Buffer) => {
      this.driver.heard(bytes);
    });
    control.on('error', () => undefined);
    this.driver.workerStarted();
    child.once('exit', (status) => {
      // It has said why it cannot mount, and the next one could not either.
      if (status === ExitStatus.UNAVAILABLE && !this.workerServes) void this.stop(ExitStatus.UNAVAILABLE);
    });
    if (child.pid !== undefined) this.tellForwarder({ type: 'worker', pid: child.pid });
    this.noteChildren();
  }

  private forwarderStarted(child: ChildProcess): void {
    child.on('message', (message: unknown) => {
      if (!isForwarderMessage(message)) return;
      if (message.type === 'up') this.forwarderUp();
      else if (message.type === 'changed') this.forwarderChanged.happened();
      // Room or a checkpoint may be what a request in the worker waits for.
      else this.driver.progress();
    });
    child.on('error', () => undefined);
    const pid = this.worker?.pid;
    if (pid !== undefined) this.tellForwarder({ type: 'worker', pid });
    this.noteChildren();
  }

  private tellForwarder(message: SupervisorMessage): void {
    const child = this.forwarder?.process;
    if (child?.connected === true) child.send(message, () => undefined);
  }

  private answered(): void {
    this.worker?.markServed();
    this.workerServes = true;
    this.tellAnswered();
    const pid = this.worker?.pid;
    if (pid !== undefined && pid !== this.replacedPid) this.workerChanged.happened();
    this.becomeReady();
  }

  /** Ticks come fast while requests wait; the forwarder wants to hear once a second. */
  private tellAnswered(): void {
    const nowMs = performance.now();
    if (nowMs - this.toldAnsweredAtMs < ANSWERED_MS) return;
    this.toldAnsweredAtMs = nowMs;
    const restarts = { worker: this.worker?.restarts ?? 0, forwarder: this.forwarder?.restarts ?? 0 };
    this.tellForwarder({ type: 'answered', restarts });
  }

  private forwarderUp(): void {
    this.forwarder?.markServed();
    this.forwarderServes = true;
    // It was started with the settings as they are now.
    this.forwarderChanged.happened();
    this.becomeReady();
  }

  /** Ready means that a write is taken and that k2hft status answers. */
  private becomeReady(): void {
    if (this.state !== 'starting' || !this.workerServes || !this.forwarderServes) return;
    this.state = 'serving';
    notifyServiceManager(this.options.log, 'READY=1', `STATUS=mounted ${this.options.mountPoint}`);
    this.options.ready();
  }

  /** A mount point that programs still use is tried until the deadline, then detached: new opens no longer reach it. Returns whether it was. */
  private async unmount(deadlineMs: number): Promise<boolean> {
    const { mountPoint, log } = this.options;
    for (;;) {
      try {
        await fuseUnmount(mountPoint, {});
        return false;
      } catch (error) {
        if (!(error instanceof MountError)) throw error;
        if ((await findMount(mountPoint))?.type !== FILE_SYSTEM_TYPE) return false;
        if (error.code !== 'busy' || performance.now() > deadlineMs) {
          log('warn', `${error.message}; detaching it`);
          await fuseUnmount(mountPoint, { lazy: true }).catch((failure: unknown) => {
            log('error', `cannot detach ${mountPoint}: ${String(failure)}`);
          });
          return true;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
    }
  }

  /** A worker that was killed, or served a detached mount, has left unfinished lines: a last one queues them. */
  private async finishLines(): Promise<void> {
    const { logFd } = this.options;
    const finisher = new KeptChild({
      ...this.childOptions('last mount worker', WORKER_PROGRAM),
      environment: () => childEnvironment(this.childArguments(true)),
      stdio: ['ignore', logFd, logFd],
      started: () => undefined,
    });
    finisher.start();
    await finisher.end(WORKER_END_MS);
  }
}

/** A virtual root looks like the directory that it covers. */
function ownerOf(mountPoint: string): RootOwner {
  const { mode, uid, gid } = statSync(mountPoint);
  return { mode: mode & 0o7777, uid, gid };
}
