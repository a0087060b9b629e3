import { printableName, type Log } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import { pluginName, PluginPool, type PluginProcess, type PluginStatus } from '@k2hft/plugin';
import { BatchFlag, type Batch } from '@k2hft/wire';
import { hasProcessPerPath, pluginStdoutOf, type PluginRule } from './plugin-rules.js';

const NEWLINE = Buffer.from('\n');
const NEWLINE_BYTE = 10;

export interface PluginFeedOptions {
  readonly rule: PluginRule;
  readonly log: Log;
  /** More may be given. */
  readonly ready: () => void;
}

/** The process or processes of one rule's plugin, and what was given to each of them. */
export class PluginFeed {
  private readonly pool: PluginPool;
  private readonly isPerPath: boolean;
  /** By key, the stream that has left its line unfinished. */
  private readonly openStreams = new Map<string, number>();
  /** Processes that take no more just now. */
  private readonly full = new Set<string>();
  /** A path has no process, because there are too many. */
  private isWaitingForSlot = false;

  constructor(private readonly options: PluginFeedOptions) {
    const { rule, log, ready } = options;
    this.isPerPath = hasProcessPerPath(rule);
    this.pool = new PluginPool({
      make: (path) => ({
        name: this.nameOf(path),
        command: rule.plugin,
        stdout: pluginStdoutOf(rule, path),
        log,
        onDrain: () => {
          this.full.delete(path);
          ready();
        },
      }),
      onSlot: () => {
        this.lookForSlot();
      },
    });
  }

  /** Which process a batch is for. */
  keyOf(batch: Batch): string {
    return this.isPerPath ? batch.path.toString('latin1') : '';
  }

  get waitingBytes(): number {
    return this.pool.waitingBytes;
  }

  /** The one process of a rule lives as long as we do; those of single paths start with the first batch. */
  start(): void {
    if (!this.isPerPath) this.pool.get('');
  }

  /** Gives it to the process of that key; `taken` is called when the pipe has it. False: not before `ready`. */
  give(key: string, batch: Batch, taken: () => void): boolean {
    if (this.full.has(key)) return false;
    const process = this.pool.get(key);
    if (process === undefined) {
      this.isWaitingForSlot = true;
      return false;
    }
    const isBinary = (batch.flags & BatchFlag.BINARY) !== 0;
    this.separate(key, process, batch, isBinary);
    const takenByPipe = () => {
      taken();
      // A process that has nothing to do can make room for another.
      this.lookForSlot();
    };
    if (!process.write(batch.payload, { isBinary, taken: takenByPipe })) this.full.add(key);
    return true;
  }

  status(): { processes: PluginStatus[]; restarts: number; fedBytes: number } {
    return this.pool.status();
  }

  async stop(graceMs: number, termMs: number): Promise<void> {
    await this.pool.stop(graceMs, termMs);
    this.full.clear();
  }

  private lookForSlot(): void {
    if (!this.isWaitingForSlot) return;
    this.isWaitingForSlot = false;
    this.options.ready();
  }

  /** Lines of two streams must not run together. */
  private separate(key: string, process: PluginProcess, { stream, payload }: Batch, isBinary: boolean): void {
    if (payload.length === 0) return;
    const openStream = this.openStreams.get(key);
    if (openStream !== undefined && openStream !== stream && !isBinary) process.write(NEWLINE);
    if (isBinary || payload[payload.length - 1] === NEWLINE_BYTE) this.openStreams.delete(key);
    else this.openStreams.set(key, stream);
  }

  private nameOf(path: ByteString): string {
    const { rule } = this.options;
    const program = pluginName(rule.plugin);
    const rulePath = printableName(Buffer.from(rule.path).toString('latin1'));
    return path === '' ? `${program} (${rulePath})` : `${program} (${rulePath}: ${printableName(path)})`;
  }
}
