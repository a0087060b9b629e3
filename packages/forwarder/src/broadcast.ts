import type { Delivery, DeliveryContext } from './delivery.js';
import { Lane } from './lane.js';
import type { ServerLink } from './link.js';
import type { QueueSource, SequenceRange } from './queue-source.js';
import { cursorOfUrl, type ForwarderServers } from './settings.js';

/** Every server gets everything, each at its own pace: the queue keeps what the slowest has not acknowledged. */
export class Broadcast implements Delivery {
  readonly #poke: () => void;
  readonly #queue: QueueSource;
  readonly #makeLane: (link: ServerLink, servers: ForwarderServers) => Lane;
  #failoverAfterMs: number;
  #lanes: ReadonlyMap<ServerLink, Lane>;
  /** Links that were taken away with something in flight, and until when that is waited for. */
  readonly #leaving = new Map<ServerLink, number>();

  constructor({ queue, servers, links, log, poke }: DeliveryContext) {
    this.#queue = queue;
    this.#poke = poke;
    this.#failoverAfterMs = servers.failoverAfterMs;
    this.#makeLane = (link, linger) => new Lane({ queue, cursor: cursorOfUrl(link.url), linger, log });
    this.#lanes = new Map(links.map((link) => [link, this.#makeLane(link, servers)]));
  }

  poll(nowMs: number): number {
    let wantedMs = Infinity;
    for (const untilMs of this.#leaving.values()) wantedMs = Math.min(wantedMs, Math.max(1, untilMs - nowMs));
    for (const [link, lane] of this.#lanes) wantedMs = Math.min(wantedMs, lane.fill(link, nowMs));
    return wantedMs;
  }

  update(servers: ForwarderServers, links: readonly ServerLink[]): void {
    this.#failoverAfterMs = servers.failoverAfterMs;
    const before = this.#lanes;
    this.#lanes = new Map(links.map((link) => [link, before.get(link) ?? this.#makeLane(link, servers)]));
    for (const lane of this.#lanes.values()) lane.linger = servers;
    // One that comes back begins anew, with a cursor that does not know what it had. What it has it acknowledges once more.
    for (const link of links) if (this.#leaving.delete(link)) link.flight.clear();
    for (const link of before.keys()) {
      if (!this.#lanes.has(link)) this.#leaving.set(link, performance.now() + this.#failoverAfterMs);
    }
    this.#poke();
  }

  uses(link: ServerLink): boolean {
    const untilMs = this.#leaving.get(link);
    if (untilMs === undefined) return false;
    if (link.answers && !link.flight.empty && performance.now() < untilMs) return true;
    this.#leaving.delete(link);
    return false;
  }

  changed(link: ServerLink): void {
    if (link.state === 'up') this.#poke();
  }

  acked(link: ServerLink, epoch: number, ranges: SequenceRange[]): void {
    const lane = this.#lanes.get(link);
    if (lane !== undefined) lane.acked(epoch, ranges);
    else if (this.#leaving.has(link)) this.#queue.ack(cursorOfUrl(link.url), epoch, ranges);
  }

  drained(): void {
    this.#poke();
  }

  hurry(): void {
    for (const lane of this.#lanes.values()) lane.hurry();
  }

  /** Nothing that is meant for one server goes to another. */
  handedOver(): number {
    return 0;
  }

  damaged(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.damaged, 0);
  }
}
