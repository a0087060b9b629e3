import { randomUUID } from 'node:crypto';
import { openSync, statSync } from 'node:fs';
import { ExitStatus, notifyServiceManager, type MountSettings } from '@k2hft/config';
import { fuseUnmount } from '@k2hft/fuse';
import { lockQueue, makeWakeFifo, type QueueLock } from '@k2hft/queue';
import type { ChildArguments, RootOwner } from './child-arguments.js';
import { endLeftovers } from './leftover-processes.js';
import { makeDriver, type MountDriver, type WantedMount } from './mount-driver.js';
import { isMounted, leaveMountPoint, prepareMountPoint } from './mount-point.js';
import { defaultStatusSocket, registerMount, unregisterMount } from './mount-registry.js';
import { prepareQueueFolder } from './queue-folder.js';
import { SupervisorChildren } from './supervisor-children.js';

/**
 * States of the supervisor: `starting` (until the first tick is answered), `serving`, `stopping` (unmounting and
 * ending the children), `stopped`.
 */
type State = 'starting' | 'serving' | 'stopping' | 'stopped';

export interface SupervisorOptions extends WantedMount {
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
  private children: SupervisorChildren | undefined;
  private lock: QueueLock | undefined;
  private rootFd: number | undefined;
  private rootOwner: RootOwner | undefined;
  private readonly mountId = randomUUID();

  constructor(private options: SupervisorOptions) {
    const { log } = options;
    this.driver = makeDriver({
      ...options,
      answered: () => {
        this.children?.answered();
      },
      hangs: () => {
        log('error', 'the mount worker does not answer; it is killed and started again');
        this.children?.killHangingWorker();
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
    const isDetached = await leaveMountPoint(mountPoint, deadlineMs, log);
    this.driver.stop();
    const linesAreQueued = await this.children?.endWorker(isDetached);
    await this.driver.workersEnded();
    // Starting a process takes most of the time that an orderly end takes, so it is done only where there is something to do.
    if (linesAreQueued === false) await this.children?.finishLines();
    await this.children?.endForwarder(Math.max(0, deadlineMs - performance.now()));
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
    return (await this.children?.change(before, settings)) ?? [];
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

  private startChildren(): void {
    const { settings, log, logFd } = this.options;
    const { driver, rootFd } = this;
    this.children = new SupervisorChildren({
      driver,
      queueDir: settings.queue.dir,
      rootFd,
      childArguments: (finishOnly) => this.childArguments(finishOnly),
      log,
      logFd,
      served: () => {
        this.becomeReady();
      },
      unmountedByOthers: () => this.unmountedByOthers(),
      failed: (status) => {
        void this.stop(status);
      },
    });
    this.children.start();
  }

  /** umount(8) works as well as k2hft umount: a worker whose mount is gone ends by itself, and so does everything else. */
  private async unmountedByOthers(): Promise<boolean> {
    if (await isMounted(this.options.mountPoint)) return false;
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

  /** Ready means that a write is taken and that k2hft status answers. */
  private becomeReady(): void {
    if (this.state !== 'starting' || this.children?.serve !== true) return;
    this.state = 'serving';
    notifyServiceManager(this.options.log, 'READY=1', `STATUS=mounted ${this.options.mountPoint}`);
    this.options.ready();
  }
}

/** A virtual root looks like the directory that it covers. */
function ownerOf(mountPoint: string): RootOwner {
  const { mode, uid, gid } = statSync(mountPoint);
  return { mode: mode & 0o7777, uid, gid };
}
