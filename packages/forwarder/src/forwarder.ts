import { createDelivery, type Delivery } from './delivery.js';
import { describeError } from './errors.js';
import { ServerLink, type LinkListener } from './link.js';
import { Poller } from './poller.js';
import type { QueueSource, SequenceRange } from './queue-source.js';
import { DEFAULT_TUNING, checkServers, type ForwarderServers, type Tuning } from './settings.js';
import type { Log, ServerStatus } from './status.js';

export interface ForwarderOptions {
  /** Opened with the cursors that `cursorsOf(servers)` gives. */
  readonly queue: QueueSource;
  readonly servers: ForwarderServers;
  /** Name of this host. */
  readonly host: string;
  /** Name and version of this program. */
  readonly software: string;
  readonly log: Log;
  /** Called after each acknowledgement. */
  readonly onProgress?: () => void;
  readonly tuning?: Partial<Tuning>;
}

/** Brings what is in a queue to servers, as long as it runs. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #links: readonly ServerLink[];
  readonly #delivery: Delivery;
  readonly #poller: Poller;
  /** Looks whether stop() may go on. */
  #settled: (() => void) | undefined;

  /** Throws ForwarderError for settings that cannot be served. */
  constructor(options: ForwarderOptions) {
    const { queue, servers, log, host, software } = options;
    checkServers(servers);
    this.#options = options;
    const listener = this.#listener();
    const hello = () => ({ source: queue.source, epoch: queue.epoch(), host, software });
    const tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.#links = servers.urls.map((url) => new ServerLink({ url, servers, tuning, hello, listener, log }));
    this.#poller = new Poller((nowMs) => this.#poll(nowMs));
    const poke = () => {
      this.#poller.poke();
    };
    this.#delivery = createDelivery({ queue, servers, links: this.#links, log, poke });
  }

  start(): void {
    for (const link of this.#links) link.start();
    this.#poller.start();
  }

  /** The writer of the queue has woken us. */
  noticed(): void {
    this.#poller.noticed();
  }

  /**
   * Sends once more what is there, as far as the servers take it without waiting, gives them up to `graceMs` to
   * acknowledge what is in flight, and ends. What is not acknowledged stays in the queue.
   */
  async stop(graceMs: number): Promise<void> {
    const deadlineMs = performance.now() + graceMs;
    this.#delivery.hurry();
    this.#poll(performance.now());
    this.#poller.stop();
    await within(graceMs, this.#landed());
    for (const link of this.#links) link.stop();
    await within(
      deadlineMs - performance.now(),
      this.#options.queue.flushed().catch((error: unknown) => {
        this.#options.log('warn', `acknowledgements could not be stored: ${describeError(error)}`);
      }),
    );
  }

  status(): ServerStatus[] {
    return this.#links.map((link) => link.status());
  }

  /** Batches that were given up because they were damaged in the queue. */
  damaged(): number {
    return this.#delivery.damaged();
  }

  /** Batches that may be on two servers, because the first was lost before it acknowledged them. */
  handedOver(): number {
    return this.#delivery.handedOver();
  }

  #poll(nowMs: number): number {
    this.#options.queue.noticed();
    return this.#delivery.poll(nowMs);
  }

  /** Resolves when no server can acknowledge anything more. */
  #landed(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled = () => {
        if (!this.#links.some((link) => link.answers && !link.flight.empty)) resolve();
      };
      this.#settled();
    });
  }

  #listener(): LinkListener {
    return {
      changed: (link) => {
        this.#delivery.changed(link);
        this.#settled?.();
      },
      acked: (link: ServerLink, epoch: number, ranges: SequenceRange[]) => {
        this.#delivery.acked(link, epoch, ranges);
        this.#options.onProgress?.();
        this.#settled?.();
      },
      drained: (link) => {
        this.#delivery.drained(link);
      },
    };
  }
}

/** Waits for `work`, but no longer than `limitMs`. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, limitMs));
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
