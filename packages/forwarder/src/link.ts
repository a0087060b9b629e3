import { comparePositions, type Position } from '@k2hft/queue';
import { encodeMessage, readRecordCount, type AckMessage, type StatusMessage } from '@k2hft/wire';
import { backoffMs } from './backoff.js';
import { Complaints } from './complaints.js';
import { Connection, type ConnectionOptions, type Loss } from './connection.js';
import { Flight } from './flight.js';
import { messageOf } from './message.js';
import type { QueuedBatch, SequenceRange } from './queue-source.js';
import type { Log, ServerStatus } from './status.js';
import { Traffic } from './traffic.js';

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

export interface LinkOptions extends ConnectionOptions {
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
  readonly #options: LinkOptions;
  readonly #complaints: Complaints;
  readonly #traffic = new Traffic();
  #state: LinkState = 'idle';
  #stateSinceMs = Date.now();
  #connection: Connection | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #welcomes = 0;
  #welcomedMs = 0;
  /** Connections that failed since the last one that worked. */
  #failures = 0;
  #failuresInAll = 0;
  #floor: { position: Position; atMs: number } | undefined;
  #software: string | undefined;
  #lastError: { message: string; atMs: number } | undefined;

  constructor(options: LinkOptions) {
    this.url = options.url;
    this.#options = options;
    this.#complaints = new Complaints(options.log);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The first attempt to connect is not over. */
  get untried(): boolean {
    return this.#welcomes === 0 && this.#failures === 0;
  }

  /** Whether the server can still acknowledge what it was sent. */
  get answers(): boolean {
    return this.#state === 'up' || this.#state === 'full' || this.#state === 'draining';
  }

  /** Bytes that may be sent now; 0 when the server, the window or the socket is not ready for more. */
  roomBytes(): number {
    if (this.#state !== 'up' || this.#connection === undefined || this.#connection.choked) return 0;
    return Math.max(0, this.#options.tuning.windowBytes - this.flight.total.bytes);
  }

  start(): void {
    if (this.#state === 'idle') this.#connect();
  }

  stop(): void {
    clearTimeout(this.#retryTimer);
    this.#connection?.close();
    this.#connection = undefined;
    this.#enter('stopped');
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
    this.#traffic.sent(amount);
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
    return {
      url: this.url,
      state: this.#state,
      sinceMs: this.#stateSinceMs,
      software: this.#software,
      connections: this.#welcomes,
      failures: this.#failuresInAll,
      ...this.#traffic.status(performance.now()),
      inFlight: { ...this.flight.total },
      lastError: this.#lastError && { ...this.#lastError },
    };
  }

  #connect(): void {
    this.#floor = undefined;
    this.#connection = new Connection(this.#options, {
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
    });
    this.#enter('connecting');
  }

  #welcomed(software: string, compression: string | undefined): void {
    this.#software = software;
    this.#welcomes += 1;
    this.#welcomedMs = performance.now();
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
  }

  #landed({ epoch, ranges }: AckMessage): void {
    const nowMs = performance.now();
    const windowWasFull = this.flight.total.bytes >= this.#options.tuning.windowBytes;
    const landed = this.flight.land(epoch, ranges, nowMs);
    if (landed.batches === 0) return;
    this.#traffic.acked(landed, nowMs);
    this.#proven();
    this.#options.listener.acked(this, epoch, landed.ranges);
    if (windowWasFull) this.#options.listener.drained(this);
  }

  #beat(paused: boolean): void {
    const nowMs = performance.now();
    const { ackTimeoutMs } = this.#options.tuning;
    if (paused) this.flight.progressMs = nowMs;
    if (this.flight.empty) {
      if (nowMs - this.#welcomedMs > PROVEN_AFTER_MS) this.#proven();
    } else if (this.#state === 'up' && nowMs - this.flight.progressMs > ackTimeoutMs) {
      this.#connection?.fail(`the server has acknowledged nothing for ${ackTimeoutMs} ms`);
    }
  }

  /** The connection does what it is for. */
  #proven(): void {
    this.#failures = 0;
    this.#complaints.forget();
  }

  #lost(reason: string, kind: Loss): void {
    const { servers, tuning, random = Math.random } = this.#options;
    this.#connection = undefined;
    this.flight.stale = !this.flight.empty;
    // Whatever it is that the server does not like, these are looked at before they are sent again.
    if (kind === 'refused') this.flight.suspect = this.flight.stale;
    this.#lastError = { message: reason, atMs: Date.now() };
    this.#complaints.say(kind === 'gone' ? 'warn' : 'error', `${this.url}: ${reason}`);
    const delayMs =
      kind === 'loop'
        ? Math.max(tuning.loopRetryMs, 2 * servers.failoverAfterMs)
        : backoffMs(this.#failures, tuning.backoffMinMs, tuning.backoffMaxMs, random());
    this.#failures += 1;
    this.#failuresInAll += 1;
    this.#retryTimer = setTimeout(() => {
      this.#connect();
    }, delayMs);
    this.#enter('down');
  }

  #enter(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#stateSinceMs = Date.now();
    this.#options.listener.changed(this);
  }
}
