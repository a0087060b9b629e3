import type { Position } from '@k2hft/queue';
import { rangesOf } from '@k2hft/wire';
import type { LaneQueue } from './plugin-lane.js';

export interface PluginAcksOptions {
  readonly cursor: string;
  readonly queue: Pick<LaneQueue, 'ack'>;
  /** Something was acknowledged. */
  readonly progress: () => void;
}

/** Gathers what a plugin needs no more of one turn of the event loop, and acknowledges it together. */
export class PluginAcks {
  private settled: Position[] = [];
  private settling: NodeJS.Immediate | undefined;

  constructor(private readonly options: PluginAcksOptions) {}

  /** Acknowledged soon, together with others. */
  note(position: Position): void {
    this.settled.push(position);
    this.settling ??= setImmediate(() => {
      this.settle();
    });
  }

  /** Acknowledges all of it now. */
  settle(): void {
    clearImmediate(this.settling);
    this.settling = undefined;
    const { settled } = this;
    if (settled.length === 0) return;
    this.settled = [];
    const { cursor, queue, progress } = this.options;
    for (const epoch of new Set(settled.map((position) => position.epoch))) {
      const ofEpoch = settled.filter((position) => position.epoch === epoch);
      queue.ack(cursor, epoch, rangesOf(ofEpoch.map(({ sequence }) => sequence)));
    }
    progress();
  }
}
