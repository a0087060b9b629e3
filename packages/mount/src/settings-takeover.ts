import type { MountSettings } from '@k2hft/config';
import { Awaited } from './awaited.js';
import type { KeptChild } from './child-process.js';
import { concernsWorker } from './settings-change.js';

/** Plugins that a forwarder ends get some seconds. */
const FORWARDER_CHANGE_MS = 20_000;
/** A new worker serves in less than a second, on a busy machine in a few. */
const WORKER_CHANGE_MS = 20_000;

/** How children that serve go over to other settings: the forwarder is told, the worker is replaced. */
export class SettingsTakeover {
  private readonly workerChanged = new Awaited();
  private readonly forwarderChanged = new Awaited();
  private replacedPid: number | undefined;
  /** The forwarder that was there when the settings came. */
  private toldPid: number | undefined;

  constructor(
    private readonly worker: KeptChild,
    private readonly forwarder: KeptChild,
    private readonly tellForwarder: (settings: MountSettings) => void,
  ) {}

  /** Children that are started from now on have the settings already. Returns what is to be said about it. */
  async run(before: MountSettings, settings: MountSettings): Promise<string[]> {
    const said: string[] = [];
    // First it, so that the worker puts nothing into the queue that it does not know of.
    if (this.forwarder.process !== undefined) {
      const changed = this.forwarderChanged.within(FORWARDER_CHANGE_MS);
      this.toldPid = this.forwarder.pid;
      this.tellForwarder(settings);
      if (!(await changed)) {
        said.push('the forwarder did not take the settings in time; it was started again with them');
        this.forwarder.replace();
      }
    }
    if (!concernsWorker(before, settings)) return said;
    const changed = this.workerChanged.within(WORKER_CHANGE_MS);
    this.replacedPid = this.worker.pid;
    this.worker.replace();
    if (!(await changed)) said.push('the mount worker has the settings, but does not serve yet: see the log');
    return said;
  }

  /** The worker has answered: perhaps still the one that is replaced. */
  workerAnswered(): void {
    const { pid } = this.worker;
    if (pid !== undefined && pid !== this.replacedPid) this.workerChanged.happened();
  }

  /** The forwarder has come up: with the settings, unless it was started just before they came. */
  forwarderUp(): void {
    const { pid } = this.forwarder;
    if (pid !== undefined && pid !== this.toldPid) this.forwarderTook();
  }

  /** The forwarder that was told has the settings as they are now. */
  forwarderTook(): void {
    this.forwarderChanged.happened();
  }
}
