import type { Delivery, DeliveryContext } from './delivery.js';
import { Lane } from './lane.js';
import type { ServerLink } from './link.js';
import type { SequenceRange } from './queue-source.js';
import { ANY_SERVER_CURSOR, type ForwarderServers } from './settings.js';
import type { Log } from './status.js';

/**
 * ```
 * searching ──a server is up──▶ sending ─draining, full, taken away, or a preferred one is up─▶ settling
 *     ▲                          ▲ │  ▲                                              │ │ │
 *     │                          │ │  └──── neither is so any more ──────────────────┘ │ │
 *     ├──── nothing in flight ───┼─┴── lost ──▶ waiting ◀──────────────── lost ────────┘ │
 *     │                          └─ it is back ──┤                                       │
 *     ├──── failover_after is over ──────────────┘                                       │
 *     └──── everything acknowledged ─────────────────────────────────────────────────────┘
 * ```
 * In all of them at most one server has unacknowledged batches. Therefore each server gets what it gets in order,
 * and a batch can only be on two servers when the first was lost with it for longer than failover_after.
 */
type State =
  | { readonly name: 'searching' }
  | { readonly name: 'sending'; readonly link: ServerLink }
  /** It is sent nothing new; it is about to acknowledge what it has. */
  | { readonly name: 'settling'; readonly link: ServerLink; readonly sinceMs: number }
  /** It is lost with batches in flight, and may come back. Earlier losses count: `sinceMs` is so much earlier. */
  | { readonly name: 'waiting'; readonly link: ServerLink; readonly sinceMs: number };

const SEARCHING: State = { name: 'searching' };

/** The first server in the order of the settings that is up gets everything. */
export class Failover implements Delivery {
  readonly #lane: Lane;
  #links: readonly ServerLink[];
  #failoverAfterMs: number;
  readonly #poke: () => void;
  readonly #log: Log;
  #state: State = SEARCHING;
  #startedMs: number | undefined;
  /** How long the present server was away since it last acknowledged something: one that comes and goes is no better than one that is away. */
  #awayMs = 0;
  #handedOver = 0;

  constructor({ queue, servers, links, log, poke }: DeliveryContext) {
    this.#lane = new Lane({ queue, cursor: ANY_SERVER_CURSOR, linger: servers, log });
    this.#links = links;
    this.#failoverAfterMs = servers.failoverAfterMs;
    this.#poke = poke;
    this.#log = log;
  }

  poll(nowMs: number): number {
    this.#startedMs ??= nowMs;
    for (let next = this.#next(this.#state, nowMs); next !== this.#state; next = this.#next(next, nowMs)) {
      this.#state = next;
      if (next.name === 'searching') this.#awayMs = 0;
    }
    const state = this.#state;
    if (state.name === 'sending') return this.#lane.fill(state.link, nowMs);
    const resendMs = state.name === 'settling' ? this.#lane.resend(state.link, nowMs) : Infinity;
    const deadlineMs = this.#deadlineMs(state);
    // What is overdue waits for a server to come up, which is an event.
    return Math.min(resendMs, deadlineMs > nowMs ? deadlineMs - nowMs : Infinity);
  }

  update(servers: ForwarderServers, links: readonly ServerLink[]): void {
    this.#links = links;
    this.#failoverAfterMs = servers.failoverAfterMs;
    this.#lane.linger = servers;
    this.#poke();
  }

  uses(link: ServerLink): boolean {
    return this.#state.name !== 'searching' && this.#state.link === link;
  }

  changed(): void {
    this.#poke();
  }

  acked(link: ServerLink, epoch: number, ranges: SequenceRange[]): void {
    this.#lane.acked(epoch, ranges);
    if (this.uses(link)) this.#awayMs = 0;
    if (this.#state.name === 'settling' && this.#hasSettled(link)) this.#poke();
  }

  drained(): void {
    this.#poke();
  }

  hurry(): void {
    this.#lane.hurry();
  }

  damaged(): number {
    return this.#lane.damaged;
  }

  handedOver(): number {
    return this.#handedOver;
  }

  /** One step of the diagram; `state` itself when it holds. */
  #next(state: State, nowMs: number): State {
    switch (state.name) {
      case 'searching': {
        const link = this.#firstUp(nowMs);
        return link === undefined ? state : { name: 'sending', link };
      }
      case 'sending':
        if (!state.link.answers) return this.#afterLoss(state.link, nowMs);
        return this.#shouldSettle(state.link, nowMs)
          ? { name: 'settling', link: state.link, sinceMs: nowMs }
          : state;
      case 'settling':
        if (this.#hasSettled(state.link)) return this.#lane.owes ? this.#giveUp(state.link) : SEARCHING;
        if (!state.link.answers) return this.#afterLoss(state.link, nowMs);
        if (!this.#shouldSettle(state.link, nowMs)) return { name: 'sending', link: state.link };
        return nowMs >= this.#deadlineMs(state) ? this.#giveUp(state.link) : state;
      case 'waiting':
        if (state.link.state === 'up' || state.link.state === 'full') {
          this.#awayMs = nowMs - state.sinceMs;
          return { name: 'sending', link: state.link };
        }
        if (!this.#isMissed(state.link)) return SEARCHING;
        return nowMs >= this.#deadlineMs(state) &&
          (this.#firstUp(nowMs) !== undefined || this.#isLeaving(state.link))
          ? this.#giveUp(state.link)
          : state;
    }
  }

  #afterLoss(link: ServerLink, nowMs: number): State {
    return this.#isMissed(link) ? { name: 'waiting', link, sinceMs: nowMs - this.#awayMs } : SEARCHING;
  }

  /** It is to get something once more, or is about to be back. */
  #isMissed(link: ServerLink): boolean {
    return !link.flight.empty || this.#lane.owes || (link.renewing && !this.#isLeaving(link));
  }

  /** It is no longer in the settings. */
  #isLeaving(link: ServerLink): boolean {
    return !this.#links.includes(link);
  }

  #giveUp(link: ServerLink): State {
    const batches = this.#lane.unansweredBatches(link);
    this.#lane.giveToNext(link);
    this.#handedOver += batches;
    if (batches > 0)
      this.#log('warn', `${link.url}: ${batches} batches that it may have already go to another server`);
    return SEARCHING;
  }

  /** A draining server cannot be sent anything again. */
  #hasSettled(link: ServerLink): boolean {
    return link.flight.empty && (!this.#lane.owes || link.state === 'draining');
  }

  #shouldSettle(link: ServerLink, nowMs: number): boolean {
    const best = this.#firstUp(nowMs);
    return (
      this.#isLeaving(link) ||
      link.state === 'draining' ||
      (link.state === 'full' && best !== undefined) ||
      (best !== undefined && this.#links.indexOf(best) < this.#links.indexOf(link))
    );
  }

  /**
   * The server to send to. At the start, the first attempts of those before it are awaited: otherwise it would be
   * chance who gets the first batches.
   */
  #firstUp(nowMs: number): ServerLink | undefined {
    const patient = nowMs < (this.#startedMs ?? nowMs) + this.#failoverAfterMs;
    for (const link of this.#links) {
      if (link.state === 'up') return link;
      if (patient && link.untried) return undefined;
    }
    return undefined;
  }

  /** When something is to be decided without an event. */
  #deadlineMs(state: Exclude<State, { name: 'sending' }>): number {
    switch (state.name) {
      case 'searching':
        return this.#links.some((link) => link.untried)
          ? (this.#startedMs ?? 0) + this.#failoverAfterMs
          : Infinity;
      case 'settling':
        // One that is taken away is not waited for longer than one that is lost.
        if (this.#isLeaving(state.link))
          return Math.max(state.sinceMs, state.link.flight.progressMs) + this.#failoverAfterMs;
        // A full server acknowledges nothing until somebody makes room. One that accepts has its own deadline.
        return state.link.state === 'full' ? state.sinceMs + this.#failoverAfterMs : Infinity;
      case 'waiting':
        return state.sinceMs + this.#failoverAfterMs;
    }
  }
}
