import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './connection.js';
import type { ServerCounters } from './server-counters.js';
import { AwaySources, type Presence } from './web-presence.js';

/** How often every connection is looked at: as often as the sources ask. */
const HEARTBEAT_MS = 5000;

/** After the last acknowledgement was sent: how long the sources have to close their connections. */
const GOODBYE_MS = 1000;
const GOODBYE_POLL_MS = 10;

/**
 * What all connections together may hold of messages that are not whole yet. Each may have up to 32 MiB, so a few sources
 * that begin long messages and do not end them could take all memory. The largest is cut off; it is sent again.
 */
const PARTIAL_BYTES_MAX = 256 * 1024 * 1024;

/** How many connections beyond the limit are told why at the same time; the rest is cut at once. */
const REFUSED_CONNECTIONS_MAX = 100;

/** All connections of a server: how many there may be, what they hold together, who is there and who has gone. */
export class Connections implements Iterable<Connection> {
  /** The sources that were connected. */
  readonly away = new AwaySources();
  readonly #counters: ServerCounters;
  readonly #open = new Set<Connection>();
  /** Those of them that have said who they are. */
  readonly #admitted = new Set<Connection>();
  /** Those that are being told that there are too many. */
  readonly #refused = new Set<Connection>();
  #partialBytes = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(counters: ServerCounters) {
    this.#counters = counters;
  }

  get count(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#open.values();
  }

  /** Looks at each of them every few seconds, until {@link stopHeartbeat}. */
  startHeartbeat(): void {
    this.#heartbeat = setInterval(() => {
      for (const connection of this.#open) connection.heartbeat();
    }, HEARTBEAT_MS);
  }

  stopHeartbeat(): void {
    clearInterval(this.#heartbeat);
  }

  /** Takes a connection, unless there are so many that have said who they are. */
  accept(connection: Connection, connectionsMax: number): void {
    if (this.#admitted.size < connectionsMax) {
      this.#open.add(connection);
      this.#counters.connectionsAccepted++;
    } else if (this.#refused.size < REFUSED_CONNECTIONS_MAX) {
      this.#refused.add(connection);
      connection.refuseBusy(connectionsMax);
    } else {
      connection.cutBusy();
    }
  }

  /** It has said who it is. */
  admit(connection: Connection): void {
    this.#admitted.add(connection);
  }

  /** Counts bytes of messages that are not whole yet; negative when they are whole, or given up. */
  partial(bytes: number): void {
    this.#partialBytes += bytes;
    if (this.#partialBytes <= PARTIAL_BYTES_MAX) return;
    const largest = [...this.#open].reduce((one, other) =>
      other.partialBytes > one.partialBytes ? other : one,
    );
    largest.cutPartial();
  }

  ended(connection: Connection): void {
    const { presence } = connection;
    if (presence !== undefined) this.away.left(presence, Date.now());
    this.#open.delete(connection);
    this.#admitted.delete(connection);
    this.#refused.delete(connection);
  }

  /** Who is connected: one for each connection. */
  presences(): Presence[] {
    return [...this.#open].flatMap(({ presence }) => presence ?? []);
  }

  /** Closes all of them; those that do not close are cut. */
  async close(): Promise<void> {
    for (const connection of this.#open) connection.end();
    const goodbye = performance.now() + GOODBYE_MS;
    while (this.#open.size > 0 && performance.now() < goodbye) await sleep(GOODBYE_POLL_MS);
    for (const connection of this.#open) connection.cut();
  }
}
