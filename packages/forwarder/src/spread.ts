import type { Delivery, DeliveryContext } from './delivery.js';
import { Lane } from './lane.js';
import type { ServerLink } from './link.js';
import { heaviest, type PartitionKey } from './partition.js';
import type { QueueSource, SequenceRange } from './queue-source.js';
import { ANY_SERVER_CURSOR, type ForwarderServers } from './settings.js';
import type { Log } from './status.js';

/** Keys whose server is remembered; more than a source has open at a time, and a few megabytes. */
const REMEMBERED_KEYS_MAX = 10_000;

/**
 * Each server that is up gets the share of the batches whose keys fall to it.
 *
 * ```
 * serving ──a server is to come in or to go out──▶ settling ──nothing is in flight──▶ serving, with other shares
 *    ▲                                                │
 *    └──────────── another server is lost ────────────┘
 * ```
 * In `settling` nothing new is sent. So nothing of a key is in flight at one server when another gets its share, and
 * each server gets what it gets of a stream in order. A server that is lost with batches in flight is missed for up
 * to failover_after: its share waits for it, and the others go on. Only then is its share theirs, with what it may
 * have already: those batches are counted.
 */
export class Spread implements Delivery {
  readonly #queue: QueueSource;
  #servers: ForwarderServers;
  #links: readonly ServerLink[];
  readonly #key: PartitionKey;
  readonly #log: Log;
  readonly #poke: () => void;
  #lanes = new Map<ServerLink, Lane>();
  /**
   * Members of the present partition that are not up, and since when. It is earlier by what they were absent before
   * without having acknowledged anything since: one that comes and goes is no better than one that is away.
   */
  readonly #absentSinceMs = new Map<ServerLink, number>();
  readonly #absentBeforeMs = new Map<ServerLink, number>();
  #ownerByKey = new Map<string, string>();
  #isSettling = false;
  #isHurried = false;
  #startedMs: number | undefined;
  #updatedMs = 0;
  #damagedBefore = 0;
  #handedOver = 0;

  constructor({ queue, servers, links, log, poke }: DeliveryContext, key: PartitionKey) {
    this.#queue = queue;
    this.#servers = servers;
    this.#links = links;
    this.#key = key;
    this.#log = log;
    this.#poke = poke;
  }

  poll(nowMs: number): number {
    this.#startedMs ??= nowMs;
    this.#noteAbsences(nowMs);
    this.#isSettling = this.#wantsOthers(nowMs);
    const resendMs = this.#isSettling ? this.#resend(nowMs) : Infinity;
    if (this.#isSettling && this.#hasSettled(nowMs)) this.#share(nowMs);
    let wantedMs = Math.min(resendMs, this.#deadlineMs(nowMs) - nowMs);
    if (this.#isSettling) return wantedMs;
    for (const [link, lane] of this.#lanes) wantedMs = Math.min(wantedMs, lane.fill(link, nowMs));
    return wantedMs;
  }

  update(servers: ForwarderServers, links: readonly ServerLink[]): void {
    this.#servers = servers;
    this.#links = links;
    this.#updatedMs = performance.now();
    for (const lane of this.#lanes.values()) lane.linger = servers;
    this.#poke();
  }

  uses(link: ServerLink): boolean {
    return this.#lanes.has(link);
  }

  changed(): void {
    this.#poke();
  }

  acked(link: ServerLink, epoch: number, ranges: SequenceRange[]): void {
    // Lanes differ only in what they read: what was sent before the shares changed is acknowledged as well.
    this.#absentBeforeMs.delete(link);
    const lane = this.#lanes.get(link);
    if (lane !== undefined) lane.acked(epoch, ranges);
    else this.#queue.ack(ANY_SERVER_CURSOR, epoch, ranges);
    if (this.#isSettling) this.#poke();
  }

  drained(): void {
    this.#poke();
  }

  hurry(): void {
    this.#isHurried = true;
    for (const lane of this.#lanes.values()) lane.hurry();
  }

  damaged(): number {
    return this.#damagedBefore + sum(this.#lanes.values(), (lane) => lane.damaged);
  }

  handedOver(): number {
    return this.#handedOver;
  }

  #noteAbsences(nowMs: number): void {
    for (const link of this.#lanes.keys()) {
      const sinceMs = this.#absentSinceMs.get(link);
      if (link.state !== 'up') {
        if (sinceMs === undefined)
          this.#absentSinceMs.set(link, nowMs - (this.#absentBeforeMs.get(link) ?? 0));
      } else if (sinceMs !== undefined) {
        this.#absentSinceMs.delete(link);
        this.#absentBeforeMs.set(link, nowMs - sinceMs);
      }
    }
  }

  /** It is away, but has something that it may still acknowledge, or that it is to get once more. */
  #isMissed(link: ServerLink, nowMs: number): boolean {
    const sinceMs = this.#absentSinceMs.get(link);
    if (sinceMs === undefined || nowMs >= sinceMs + this.#servers.failoverAfterMs) return false;
    return (
      link.renewing ||
      !link.flight.empty ||
      (link.state !== 'draining' && this.#lanes.get(link)?.owes === true)
    );
  }

  /** Whether the shares should be others, and may: nobody is missed whose share would change hands too early. */
  #wantsOthers(nowMs: number): boolean {
    const members = [...this.#lanes.keys()];
    // One that is not in the settings any more leaves also when there is nobody to take its share.
    if (members.every((link) => this.#links.includes(link))) {
      if (this.#isPatient(nowMs)) return false;
      const up = this.#links.filter((link) => link.state === 'up');
      if (up.length === 0) return false;
      if (up.length === members.length && up.every((link) => this.#lanes.has(link))) return false;
    }
    return !members.some((link) => this.#isMissed(link, nowMs));
  }

  /** At the start the first attempts are awaited: otherwise the first server to answer would get everything. */
  #isPatient(nowMs: number): boolean {
    const startedMs = this.#startedMs ?? nowMs;
    return nowMs < startedMs + this.#servers.failoverAfterMs && this.#links.some((link) => link.untried);
  }

  /** Before others get their shares, those that are up get again what was in flight when they were lost. */
  #resend(nowMs: number): number {
    let wantedMs = Infinity;
    for (const [link, lane] of this.#lanes) {
      if (link.state === 'up') wantedMs = Math.min(wantedMs, lane.resend(link, nowMs));
    }
    return wantedMs;
  }

  #hasSettled(nowMs: number): boolean {
    return [...this.#lanes].every(
      ([link, lane]) =>
        link.state !== 'up' || (link.flight.empty && !lane.owes) || nowMs >= this.#leavingUntilMs(link),
    );
  }

  /** One that is taken away and acknowledges nothing is not waited for longer than one that is lost. */
  #leavingUntilMs(link: ServerLink): number {
    if (this.#links.includes(link)) return Infinity;
    return Math.max(this.#updatedMs, link.flight.progressMs) + this.#servers.failoverAfterMs;
  }

  /** Gives every server that is up its share, from the beginning of what is not acknowledged. */
  #share(nowMs: number): void {
    for (const link of this.#lanes.keys()) {
      if (link.state !== 'up' || !this.#links.includes(link)) this.#takeFrom(link);
    }
    this.#damagedBefore = this.damaged();
    this.#absentSinceMs.clear();
    this.#absentBeforeMs.clear();
    this.#ownerByKey = new Map();
    const members = this.#links.filter((link) => link.state === 'up');
    const urls = members.map((link) => link.url);
    this.#lanes = new Map(members.map((link) => [link, this.#makeLane(link.url, urls)]));
    this.#isSettling = false;
    if (nowMs > (this.#startedMs ?? nowMs) && urls.length > 0)
      this.#log('info', `shares are given to: ${urls.join(', ')}`);
  }

  #takeFrom(link: ServerLink): void {
    const batches = this.#lanes.get(link)?.unansweredBatches(link) ?? link.flight.total.batches;
    link.flight.clear();
    if (batches === 0) return;
    this.#handedOver += batches;
    this.#log('warn', `${link.url}: ${batches} batches that it may have already go to other servers`);
  }

  #makeLane(url: string, urls: readonly string[]): Lane {
    const lane = new Lane({
      queue: this.#queue,
      cursor: ANY_SERVER_CURSOR,
      linger: this.#servers,
      log: this.#log,
      accepts: (batch) => this.#owner(batch, urls) === url,
    });
    if (this.#isHurried) lane.hurry();
    return lane;
  }

  #owner(batch: Buffer, urls: readonly string[]): string {
    const key = this.#key(batch);
    const known = this.#ownerByKey.get(key);
    if (known !== undefined) return known;
    if (this.#ownerByKey.size >= REMEMBERED_KEYS_MAX) this.#ownerByKey.clear();
    const owner = heaviest(urls, key);
    this.#ownerByKey.set(key, owner);
    return owner;
  }

  /** When something is to be decided without an event. */
  #deadlineMs(nowMs: number): number {
    const { failoverAfterMs } = this.#servers;
    const deadlines = [...this.#absentSinceMs.values()].map((sinceMs) => sinceMs + failoverAfterMs);
    for (const link of this.#lanes.keys()) deadlines.push(this.#leavingUntilMs(link));
    if (this.#isPatient(nowMs)) deadlines.push((this.#startedMs ?? nowMs) + failoverAfterMs);
    // What is overdue waits for a server to come up, or for an acknowledgement: events.
    return Math.min(...deadlines.filter((deadlineMs) => deadlineMs > nowMs), Infinity);
  }
}

function sum<T>(items: Iterable<T>, amount: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += amount(item);
  return total;
}
