import { Broadcast } from './broadcast.js';
import { Failover } from './failover.js';
import { pathKey, streamKey } from './partition.js';
import type { LinkListener, ServerLink } from './link.js';
import type { QueueSource } from './queue-source.js';
import type { ForwarderServers } from './settings.js';
import { Spread } from './spread.js';
import type { Log } from './status.js';

/**
 * Which server gets which batch. A delivery owns the cursors and their positions; the links, which it is given,
 * own the connections and what is in flight on each. It hears of everything that happens to the links.
 */
export interface Delivery extends LinkListener {
  /**
   * Reads and sends what can be sent now. Returns in how many milliseconds it wants to be called again: 0 at
   * once, Infinity when only an event at a link or a new batch changes anything.
   */
  poll(nowMs: number): number;
  /**
   * Other settings, with the same `deliver`, and other links, in their order. A link that is not among them any more gets nothing new;
   * what it was sent is waited for as long as for one that was lost.
   */
  update(servers: ForwarderServers, links: readonly ServerLink[]): void;
  /** Whether it still waits for something from a link that update() took away. */
  uses(link: ServerLink): boolean;
  /** We are about to end: nothing waits any more for more to be sent along with it. */
  hurry(): void;
  /** Batches given up because they were damaged in the queue. */
  damaged(): number;
  /** Batches that were given to another server although the one before may have them: they may be in both. */
  handedOver(): number;
}

export interface DeliveryContext {
  readonly queue: QueueSource;
  readonly servers: ForwarderServers;
  /** In the order of the settings. */
  readonly links: readonly ServerLink[];
  readonly log: Log;
  /** Has poll() called soon. */
  readonly poke: () => void;
}

export function createDelivery(context: DeliveryContext): Delivery {
  const { deliver } = context.servers;
  switch (deliver) {
    case 'failover':
      return new Failover(context);
    case 'broadcast':
      return new Broadcast(context);
    case 'random':
      return new Spread(context, streamKey(context.queue.source));
    case 'hash':
      return new Spread(context, pathKey);
  }
}
