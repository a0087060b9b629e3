import { resolveBySystem, type Resolve } from './addresses.js';
import { createDelivery, type Delivery } from './delivery.js';
import { describeError } from './errors.js';
import { ServerLink, type LinkListener } from './link.js';
import { Poller } from './poller.js';
import type { QueueSource, SequenceRange } from './queue-source.js';
import {
  DEFAULT_TUNING,
  checkServers,
  cursorOfUrl,
  cursorsOf,
  type ForwarderServers,
  type Tuning,
} from './settings.js';
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
  /** How names of servers are resolved; as the system does by default. */
  readonly resolve?: Resolve;
}

/** Brings what is in a queue to servers, as long as it runs. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #servers: ForwarderServers;
  /** Those that the queue has for the present delivery. */
  #cursors: readonly string[];
  /** Of the present settings, in their order. */
  #links: readonly ServerLink[];
  /** Of earlier settings, with something in flight. */
  readonly #leaving = new Set<ServerLink>();
  #delivery: Delivery;
  /** The delivery goes on no longer: it is replaced when nothing is in flight. */
  #isReplacing = false;
  #isStarted = false;
  #isHurried = false;
  /** Of deliveries that were replaced. */
  #before = { damaged: 0, handedOver: 0 };
  readonly #poller: Poller;
  readonly #listener: LinkListener = {
    changed: (link) => {
      this.#delivery.changed(link);
      this.#settled?.();
      this.#pokeWhenLetting();
    },
    acked: (link: ServerLink, epoch: number, ranges: SequenceRange[]) => {
      this.#delivery.acked(link, epoch, ranges);
      this.#options.onProgress?.();
      this.#settled?.();
      this.#pokeWhenLetting();
    },
    drained: (link) => {
      this.#delivery.drained(link);
    },
  };
  /** Looks whether stop() may go on. */
  #settled: (() => void) | undefined;

  /** Throws ForwarderError for settings that cannot be served. */
  constructor(options: ForwarderOptions) {
    const { servers } = options;
    checkServers(servers);
    this.#options = options;
    this.#servers = servers;
    this.#cursors = cursorsOf(servers);
    this.#links = servers.urls.map((url) => this.#makeLink(url));
    this.#poller = new Poller((nowMs) => this.#poll(nowMs));
    this.#delivery = this.#makeDelivery();
  }

  start(): void {
    this.#isStarted = true;
    for (const link of this.#links) link.start();
    this.#poller.start();
  }

  /**
   * Goes over to other settings, without an end of connections to servers that stay: these go on, others are made, and those
   * that are not wanted any more are closed when what is in flight on them is acknowledged, or has been waited for for
   * `failoverAfterMs`. A server of a broadcast that goes gets nothing more, whatever the queue still has for it. Throws
   * ForwarderError, and then nothing has changed.
   */
  update(servers: ForwarderServers): void {
    checkServers(servers);
    const known = new Map([...this.#leaving, ...this.#links].map((link) => [cursorOfUrl(link.url), link]));
    const before = this.#servers;
    this.#servers = servers;
    this.#links = servers.urls.map((url) => known.get(cursorOfUrl(url)) ?? this.#makeLink(url));
    const wanted = new Set(this.#links);
    for (const link of known.values()) if (!wanted.has(link)) this.#leaving.add(link);
    for (const link of this.#links) {
      this.#leaving.delete(link);
      link.update(servers);
    }
    this.#isReplacing ||= before.deliver !== servers.deliver;
    if (this.#isReplacing) this.#delivery.update({ ...servers, deliver: before.deliver }, []);
    else {
      this.#changeCursors(() => {
        this.#delivery.update(servers, this.#links);
      });
    }
    if (this.#isStarted) for (const link of this.#links) link.start();
    this.#poller.poke();
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
    this.#isHurried = true;
    this.#delivery.hurry();
    this.#poll(performance.now());
    this.#poller.stop();
    await within(graceMs, this.#landed());
    for (const link of this.#allLinks()) link.stop();
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

  /** The queue's cursors that it reads under. */
  get cursors(): readonly string[] {
    return this.#cursors;
  }

  /** Batches that were given up because they were damaged in the queue. */
  damaged(): number {
    return this.#before.damaged + this.#delivery.damaged();
  }

  /** Batches that may be on two servers, because the first was lost before it acknowledged them. */
  handedOver(): number {
    return this.#before.handedOver + this.#delivery.handedOver();
  }

  #poll(nowMs: number): number {
    this.#options.queue.noticed();
    const wantedMs = this.#delivery.poll(nowMs);
    if (this.#isReplacing || this.#leaving.size > 0) this.#letGo();
    return wantedMs;
  }

  /** Ends links that nothing is waited for any more, and begins with another delivery when the present one is done. */
  #letGo(): void {
    for (const link of this.#leaving) {
      if (this.#delivery.uses(link)) continue;
      this.#leaving.delete(link);
      link.stop();
      link.flight.clear();
    }
    if (!this.#isReplacing || this.#allLinks().some((link) => this.#delivery.uses(link))) return;
    this.#isReplacing = false;
    this.#before = { damaged: this.damaged(), handedOver: this.handedOver() };
    // What was not waited for any longer is sent again: the server knows what it has.
    for (const link of this.#links) link.flight.clear();
    this.#changeCursors(() => {
      this.#delivery = this.#makeDelivery();
    });
    if (this.#isHurried) this.#delivery.hurry();
    this.#poller.poke();
  }

  /** First the new ones, so that nothing is given up between them and the old ones. */
  #changeCursors(change: () => void): void {
    const { queue } = this.#options;
    const wanted = cursorsOf(this.#servers);
    const old = this.#cursors;
    for (const cursor of wanted) queue.addCursor(cursor);
    change();
    for (const cursor of old) if (!wanted.includes(cursor)) queue.removeCursor(cursor);
    this.#cursors = wanted;
  }

  #allLinks(): ServerLink[] {
    return [...this.#links, ...this.#leaving];
  }

  #makeLink(url: string): ServerLink {
    const { queue, host, software, log, tuning, resolve = resolveBySystem } = this.#options;
    return new ServerLink({
      url,
      servers: this.#servers,
      tuning: { ...DEFAULT_TUNING, ...tuning },
      hello: () => ({ source: queue.source, epoch: queue.epoch(), host, software }),
      listener: this.#listener,
      log,
      resolve,
    });
  }

  #makeDelivery(): Delivery {
    const { queue, log } = this.#options;
    const poke = () => {
      this.#poller.poke();
    };
    return createDelivery({ queue, servers: this.#servers, links: this.#links, log, poke });
  }

  /** Resolves when no server can acknowledge anything more. */
  #landed(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled = () => {
        if (!this.#allLinks().some((link) => link.answers && link.flight.canLand)) resolve();
      };
      this.#settled();
    });
  }

  #pokeWhenLetting(): void {
    if (this.#isReplacing || this.#leaving.size > 0) this.#poller.poke();
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
