import type { Batch } from '@k2hft/wire';
import type { Blockage } from './blockage.js';
import type { Position } from './positions.js';
import type { Sink } from './sink.js';

/** The sinks of one applier: mostly none. */
export class SinkList {
  readonly #sinks: readonly Sink[];
  readonly #blockage: Blockage;
  readonly #stopping = new AbortController();

  constructor(sinks: readonly Sink[], blockage: Blockage) {
    this.#sinks = sinks;
    this.#blockage = blockage;
  }

  /** What the fullest of them holds in memory. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const sink of this.#sinks) bytes = Math.max(bytes, sink.waitingBytes);
    return bytes;
  }

  admitSource(source: string): void {
    for (const sink of this.#sinks) sink.admitSource?.(source);
  }

  admit(batch: Batch): void {
    for (const sink of this.#sinks) sink.admit?.(batch);
  }

  take(batch: Batch, source: string): void {
    for (const sink of this.#sinks) sink.take(batch, source);
  }

  raiseFloor(source: string, floor: Position): void {
    for (const sink of this.#sinks) sink.raiseFloor?.(source, floor);
  }

  /** Resolves when everything that was taken is safe in each of them. */
  async save(): Promise<void> {
    const blocked = (reason: string | undefined): void => {
      if (reason === undefined) this.#blockage.clear('sink');
      else this.#blockage.raise('sink', reason);
    };
    for (const sink of this.#sinks) {
      await sink.save({ signal: this.#stopping.signal, blocked });
      this.#blockage.clear('sink');
    }
  }

  /** Whoever waits gives up. The sinks themselves stay as they are. */
  stop(): void {
    this.#stopping.abort();
  }
}
