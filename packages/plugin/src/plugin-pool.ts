import { PluginProcess, type PluginOptions, type PluginStatus } from './plugin-process.js';

/** So many processes of one plugin live at once: one for each file, and nobody knows how many files there are. */
const PROCESSES_MAX = 64;

export interface PluginPoolOptions {
  /** The plugin for a key; it is started by the pool. */
  readonly make: (key: string) => PluginOptions;
  /** get() may have another answer now. */
  readonly onSlot: () => void;
  readonly processesMax?: number;
}

/** Plugins by key. When there are too many, the one that has had nothing to do for the longest time is stopped. */
export class PluginPool {
  /** The least recently used first. */
  private readonly alive = new Map<string, PluginProcess>();
  private readonly ending = new Map<string, Promise<void>>();
  private restartsGone = 0;
  private fedBytesGone = 0;
  private isStopped = false;

  constructor(private readonly options: PluginPoolOptions) {}

  get processes(): readonly PluginProcess[] {
    return [...this.alive.values()];
  }

  get waitingBytes(): number {
    return this.processes.reduce((sum, process) => sum + process.waitingBytes, 0);
  }

  /** Starts it when it is not there; undefined while there are too many, or the earlier one for this key has not ended. */
  get(key: string): PluginProcess | undefined {
    let process = this.alive.get(key);
    if (process === undefined) {
      if (this.isStopped || this.ending.has(key) || !this.hasSlot()) return undefined;
      process = new PluginProcess(this.options.make(key));
      process.start();
    }
    this.alive.delete(key);
    this.alive.set(key, process);
    return process;
  }

  /** Those that live, and what those before them have done. */
  status(): { processes: PluginStatus[]; restarts: number; fedBytes: number } {
    const processes = this.processes.map((process) => process.status());
    return {
      processes,
      restarts: processes.reduce((sum, { restarts }) => sum + restarts, this.restartsGone),
      fedBytes: processes.reduce((sum, { fedBytes }) => sum + fedBytes, this.fedBytesGone),
    };
  }

  /** Resolves when every process has been given what was written to it, or is stopped. */
  async emptied(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.emptied()));
  }

  async stop(graceMs?: number, termMs?: number): Promise<void> {
    this.isStopped = true;
    for (const key of [...this.alive.keys()]) this.end(key, graceMs, termMs);
    await Promise.all(this.ending.values());
  }

  private hasSlot(): boolean {
    const { processesMax = PROCESSES_MAX } = this.options;
    if (this.alive.size + this.ending.size < processesMax) return true;
    if (this.ending.size > 0) return false;
    const idle = [...this.alive].find(([, process]) => process.waitingBytes === 0);
    if (idle !== undefined) this.end(idle[0]);
    return false;
  }

  private end(key: string, graceMs?: number, termMs?: number): void {
    const process = this.alive.get(key);
    if (process === undefined) return;
    this.alive.delete(key);
    const ended = process.stop(graceMs, termMs).then(() => {
      const { restarts, fedBytes } = process.status();
      this.restartsGone += restarts;
      this.fedBytesGone += fedBytes;
      this.ending.delete(key);
      this.options.onSlot();
    });
    this.ending.set(key, ended);
  }
}
