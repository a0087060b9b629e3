import type { Log } from '@k2hft/config';
import { comparePositions, type Position, type QueuedBatch } from '@k2hft/queue';
import { BatchFlag, decodeBatch, readFlags, WireError, type Batch } from '@k2hft/wire';
import type { LaneQueue } from './plugin-lane.js';

export interface PluginSelectionOptions {
  readonly queue: Pick<LaneQueue, 'ack' | 'floor'>;
  /** Whether batches of this path are for this rule; the same Buffer has the same answer. */
  readonly owns: (path: Buffer) => boolean;
  /** Cursors of servers, which need nothing of what is for plugins alone. */
  readonly serverCursors: () => readonly string[];
  readonly log: Log;
}

/** Picks what is for one rule's plugin out of what the queue has. */
export class PluginSelection {
  /** Batches that nobody can read. */
  damaged = 0;

  constructor(private readonly options: PluginSelectionOptions) {}

  /** The batch, when it is for this plugin. */
  wanted({ bytes, position }: QueuedBatch): Batch | undefined {
    try {
      const batch = decodeBatch(bytes, 0);
      if (!this.options.owns(batch.path)) return undefined;
      this.releaseLocal(bytes, position);
      return batch;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.damaged++;
      const { epoch, sequence } = position;
      this.options.log(
        'error',
        `batch ${epoch}/${sequence} is damaged in the queue and no plugin gets it: ${error.message}`,
      );
      return undefined;
    }
  }

  /**
   * What is for plugins alone does not wait for a server. Only at the front: the queue does not get smaller by what
   * is behind something that a server needs.
   */
  private releaseLocal(bytes: Buffer, { epoch, sequence }: Position): void {
    if ((readFlags(bytes) & BatchFlag.LOCAL) === 0) return;
    const { queue, serverCursors } = this.options;
    for (const cursor of serverCursors()) {
      if (comparePositions(queue.floor(cursor), { epoch, sequence }) === 0) {
        queue.ack(cursor, epoch, [[sequence, sequence]]);
      }
    }
  }
}
