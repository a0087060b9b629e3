import { isDeepStrictEqual } from 'node:util';
import { comparePositions, type Position } from '@k2hft/queue';
import { encodeMessage, readRecordCount, type AckMessage, type StatusMessage } from '@k2hft/wire';
import { ServerAddresses, type Resolve } from './addresses.js';
import { backoffMs } from './backoff.js';
import { Complaints } from './complaints.js';
import { Connection, type ConnectionOptions, type Loss } from './connection.js';
import { Flight } from './flight.js';
import { LinkHistory } from './link-history.js';
import { messageOf } from './message.js';
import type { QueuedBatch, SequenceRange } from './queue-source.js';
import type { ForwarderServers } from './settings.js';
import type { Log, ServerStatus } from './status.js';

/**
 * ```
 * idle ──start──▶ connecting ──open, hello sent──▶ greeting ──welcome──▶ up ◀──status──▶ full
 *                     ▲   │                          │                   │ ▲              │
 *                     │   └────────── lost ──────────┤                   └─┴──▶ draining ◀┘
 *                 backoff over                       ▼                               │
 *                     └──────────────────────────── down ◀────────── lost ───────────┘
 * ```
 * `lost` is a closed connection, an error, silence, no acknowledgement for too long, or bytes that are no message.
 * `full`: the server acknowledges nothing for want of room; nothing is sent. `draining`: it is about to end;
 * nothing is sent, acknowledgements still come. From every state, stop() leads to `stopped`, which is final.
 *
 * renew() has the connection made anew in order: nothing is sent any more, and when everything is acknowledged (or
 * cannot be soon: `full`), it is closed and the link is `connecting`. Until it is up again, or lost, it is `renewing`.
 */
export type LinkState = 'idle' | 'connecting' | 'greeting' | 'up' | 'full' | 'draining' | 'down' | 'stopped';

export interface LinkListener {
  /** The state is another one. */
  changed(link: ServerLink): void;
  /** The server has these, which were in flight, on disk. The flight is up to date already. */
  acked(link: ServerLink, epoch: number, ranges: SequenceRange[]): void;
  /** The socket or the window takes data again after it had not. */
  drained(link: ServerLink): void;
}

export interface LinkOptions extends Omit<ConnectionOptions, 'lookup' | 'servers'> {
  readonly servers: ForwarderServers;
  readonly resolve: Resolve;
  readonly listener: LinkListener;
  readonly log: Log;
  readonly random?: () => number;
}

/** A connection that lasted this long counts as one that works, even when there was nothing to acknowledge. */
const PROVEN_AFTER_MS = 5_000;

/**
 * How often the server is told how far it may forget. A floor lower than the true one is always safe, so it need
 * not come with each message.
 */
const FLOOR_INTERVAL_MS = 20;

/** Keeps up a connection to one server, and knows what it was sent and has not acknowledged. */
export class ServerLink {
  readonly url: string;
  readonly flight = new Flight();
  #options: LinkOptions;
  readonly #complaints: Complaints;
  readonly #addresses: ServerAddresses;
  readonly #history = new LinkHistory();
  #state: LinkState = 'idle';
  #connection: Connection | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #isRenewing = false;
  #addressCheckedMs = 0;
  #welcomedMs = 0;
  /** Connections that failed since the last one that worked. */
  #failures = 0;
  #floor: { position: Position; atMs: number } | undefined;

  constructor(options: LinkOptions) {
    this.url = options.url;
    this.#options = options;
    this.#complaints = new Complaints(options.log);
    this.#addresses = new ServerAddresses(options.url, options.resolve);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The first attempt to connect is not over. */
  get untried(): boolean {
    return this.#history.isEmpty;
  }

  /** The connection is being made anew, in order: it is about to be up again. */
  get renewing(): boolean {
    return this.#isRenewing;
  }

  /** Whether the server can still acknowledge what it was sent. */
  get answers(): boolean {
    return this.#state === 'up' || this.#state === 'full' || this.#state === 'draining';
  }

  /** Bytes that may be sent now; 0 when the server, the window or the socket is not ready for more. */
  roomBytes(): number {
    if (this.#state !== 'up' || this.#isRenewing) return 0;
    if (this.#connection === undefined || this.#connection.choked) return 0;
    return Math.max(0, this.#options.tuning.windowBytes - this.flight.total.bytes);
  }

  start(): void {
    if (this.#state === 'idle') this.#connect();
  }

  stop(): void {
    this.#isRenewing = false;
    clearTimeout(this.#retryTimer);
    this.#connection?.close();
    this.#connection = undefined;
    this.#enter('stopped');
  }

  /** Other settings: a connection that they concern is made anew, in order. */
  update(servers: ForwarderServers): void {
    const before = this.#options.servers;
    this.#options = { ...this.#options, servers };
    if (!isDeepStrictEqual(concerning(before), concerning(servers))) this.renew('other settings');
  }

  /** Makes the connection anew, when what is in flight is acknowledged. */
  renew(reason: string): void {
    if (this.#connection === undefined) return;
    if (!this.#isRenewing) this.#options.log('info', `${this.url}: connecting anew: ${reason}`);
    this.#isRenewing = true;
    this.#renewWhenLanded();
  }

  /** Sends batches, in ascending order and above all that are in flight, as one message. */
  send(batches: readonly QueuedBatch[], nowMs: number): void {
    if (this.#connection === undefined) return;
    const amount = { batches: batches.length, records: 0, bytes: 0 };
    for (const { position, bytes } of batches) {
      const records = readRecordCount(bytes);
      this.flight.add(position, bytes.length, records, nowMs);
      amount.records += records;
      amount.bytes += bytes.length;
    }
    this.#history.traffic.sent(amount);
    this.#connection.send(messageOf(batches));
  }

  /** Tells the server that it is sent nothing below `floor` any more, if that is news. To be called before batches. */
  sendFloor(floor: Position, nowMs: number): void {
    const told = this.#floor;
    if (told !== undefined) {
      if (nowMs - told.atMs < FLOOR_INTERVAL_MS || comparePositions(floor, told.position) <= 0) return;
    }
    this.#floor = { position: floor, atMs: nowMs };
    this.#connection?.send(encodeMessage({ type: 'floor', epoch: floor.epoch, sequence: floor.sequence }));
  }

  status(): ServerStatus {
    return this.#history.status(this.url, this.#state, this.flight.total);
  }

  #renewWhenLanded(): void {
    if (!this.#isRenewing) return;
    const landsSoon = this.#state === 'up' || this.#state === 'draining';
    if (landsSoon && !this.flight.empty) return;
    this.#connection?.close();
    this.flight.stale = !this.flight.empty;
    this.#connect();
  }

  #connect(): void {
    this.#floor = undefined;
    const { lookup } = this.#addresses;
    this.#connection = new Connection(
      { ...this.#options, lookup },
      {
        greeting: () => {
          this.#enter('greeting');
        },
        welcomed: (software, compression) => {
          this.#welcomed(software, compression);
        },
        ack: (message) => {
          this.#landed(message);
        },
        status: (message) => {
          this.#told(message);
        },
        drained: () => {
          this.#options.listener.drained(this);
        },
        beat: (paused) => {
          this.#beat(paused);
        },
        lost: (reason, kind) => {
          this.#lost(reason, kind);
        },
      },
    );
    this.#enter('connecting');
  }

  #welcomed(software: string, compression: string | undefined): void {
    this.#history.welcomed(software);
    this.#welcomedMs = performance.now();
    this.#addressCheckedMs = this.#welcomedMs;
    this.#isRenewing = false;
    const packed = compression === undefined ? '' : `, batches are compressed with ${compression}`;
    this.#complaints.say('info', `${this.url}: connected (${software})${packed}`);
    this.#enter('up');
  }

  #told({ state, reason }: StatusMessage): void {
    const next = state === 'accepting' ? 'up' : state;
    if (next !== this.#state) {
      const level = next === 'up' ? 'info' : 'warn';
      this.#complaints.say(level, `${this.url}: the server is ${state}${reason === '' ? '' : `: ${reason}`}`);
    }
    this.flight.progressMs = performance.now();
    this.#enter(next);
    this.#renewWhenLanded();
  }

  #landed({ epoch, ranges }: AckMessage): void {
    const nowMs = performance.now();
    const windowWasFull = this.flight.total.bytes >= this.#options.tuning.windowBytes;
    const landed = this.flight.land(epoch, ranges, nowMs);
    if (landed.batches === 0) return;
    this.#history.traffic.acked(landed, nowMs);
    this.#proven();
    this.#options.listener.acked(this, epoch, landed.ranges);
    if (windowWasFull) this.#options.listener.drained(this);
    this.#renewWhenLanded();
  }

  #beat(paused: boolean): void {
    const nowMs = performance.now();
    const { ackTimeoutMs, addressCheckMs } = this.#options.tuning;
    if (nowMs - this.#addressCheckedMs >= addressCheckMs) void this.#checkAddress(nowMs);
    if (paused) this.flight.progressMs = nowMs;
    if (this.flight.empty) {
      if (nowMs - this.#welcomedMs > PROVEN_AFTER_MS) this.#proven();
    } else if (this.#state !== 'full' && nowMs - this.flight.progressMs > ackTimeoutMs) {
      this.#connection?.fail(`the server has acknowledged nothing for ${ackTimeoutMs} ms`);
    }
    // What was in flight may have been given up instead of acknowledged.
    this.#renewWhenLanded();
  }

  /** A name that has other addresses now is followed. */
  async #checkAddress(nowMs: number): Promise<void> {
    this.#addressCheckedMs = nowMs;
    const connection = this.#connection;
    const address = connection?.address;
    if (address === undefined || (await this.#addresses.has(address))) return;
    if (connection === this.#connection) this.renew(`its name no longer has the address ${address}`);
  }

  /** The connection does what it is for. */
  #proven(): void {
    this.#failures = 0;
    this.#complaints.forget();
  }

  #lost(reason: string, kind: Loss): void {
    const { servers, tuning, random = Math.random } = this.#options;
    this.#connection = undefined;
    if (!this.answers) this.#addresses.failed();
    this.#isRenewing = false;
    this.flight.stale = !this.flight.empty;
    // Whatever it is that the server does not like, these are looked at before they are sent again.
    if (kind === 'refused') this.flight.suspect = this.flight.stale;
    this.#history.failed(reason);
    this.#complaints.say(kind === 'gone' ? 'warn' : 'error', `${this.url}: ${reason}`);
    const delayMs =
      kind === 'loop'
        ? Math.max(tuning.loopRetryMs, 2 * servers.failoverAfterMs)
        : backoffMs(this.#failures, tuning.backoffMinMs, tuning.backoffMaxMs, random());
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => {
      this.#connect();
    }, delayMs);
    this.#enter('down');
  }

  #enter(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#history.stateChanged();
    this.#options.listener.changed(this);
  }
}

/** The settings that a connection depends on. */
function concerning({ tls, tokenFile, compression }: ForwarderServers): unknown {
  return { tls, tokenFile, compression };
}
