import type { Delivery, DeliveryContext } from './delivery.js';
import { Lane } from './lane.js';
import type { ServerLink } from './link.js';
import type { SequenceRange } from './queue-source.js';
import { cursorOfUrl } from './settings.js';

/** Every server gets everything, each at its own pace: the queue keeps what the slowest has not acknowledged. */
export class Broadcast implements Delivery {
  readonly #poke: () => void;
  readonly #lanes: ReadonlyMap<ServerLink, Lane>;

  constructor({ queue, servers, links, log, poke }: DeliveryContext) {
    this.#poke = poke;
    this.#lanes = new Map(
      links.map((link) => [link, new Lane({ queue, cursor: cursorOfUrl(link.url), linger: servers, log })]),
    );
  }

  poll(nowMs: number): number {
    let wantedMs = Infinity;
    for (const [link, lane] of this.#lanes) wantedMs = Math.min(wantedMs, lane.fill(link, nowMs));
    return wantedMs;
  }

  changed(link: ServerLink): void {
    if (link.state === 'up') this.#poke();
  }

  acked(link: ServerLink, epoch: number, ranges: SequenceRange[]): void {
    this.#lanes.get(link)?.acked(epoch, ranges);
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
