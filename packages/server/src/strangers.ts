import type { Socket } from 'node:net';
import type { Log } from '@k2hft/config';
import { networkOf } from './address-network.js';
import type { RefusalReason } from './refusal-reason.js';

/**
 * Connections that have not said who they are, at a time. They cost memory and descriptors before anything is known of
 * them. Each is through in a few milliseconds, so this is enough for thousands of sources that come back at once.
 */
export const STRANGERS_MAX = 256;

/** How long a polite refusal may take before the connection is cut. */
const REFUSAL_MS = 500;

interface Stranger {
  readonly socket: Socket;
  /** Of its address. */
  readonly network: string;
  readonly deadlineMs: number;
  readonly timer: NodeJS.Timeout;
  /** Its TLS handshake is over; or there is none. */
  isSecured: boolean;
  isRefused: boolean;
}

/**
 * Connections from the first moment until they have said who they are: all have the same time for it, TLS and HTTP
 * included. When there are too many, one of the network goes that has the most of them, the oldest first: so one host that
 * opens them by the thousand does not keep out another.
 */
export class Strangers {
  /** By {@link keyOf}, in the order of their arrival. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #countOf = new Map<string, number>();
  readonly #log: Log;
  readonly #refused: (reason: RefusalReason) => void;
  /** Those that were cut because there were too many. */
  cutCount = 0;

  /** @param refused gets the reason of each that is refused, once */
  constructor(log: Log, refused: (reason: RefusalReason) => void) {
    this.#log = log;
    this.#refused = refused;
  }

  get count(): number {
    return this.#strangers.size;
  }

  /** @param isTls a TLS handshake comes first; {@link secured} says when it is over */
  enter(socket: Socket, timeoutMs: number, isTls: boolean): void {
    const { remoteAddress: address } = socket;
    if (address === undefined) {
      // It has gone already.
      socket.destroy();
      return;
    }
    const network = networkOf(address);
    const key = keyOf(socket);
    const timer = setTimeout(() => {
      this.#log('warn', `${shown(socket)} has not said who it is within ${timeoutMs / 1000} s: cut off`);
      this.#refuse(key, 'handshake_timeout');
      socket.destroy();
    }, timeoutMs + REFUSAL_MS);
    const deadlineMs = performance.now() + timeoutMs;
    const isSecured = !isTls;
    this.#strangers.set(key, { socket, network, deadlineMs, timer, isSecured, isRefused: false });
    this.#countOf.set(network, (this.#countOf.get(network) ?? 0) + 1);
    socket.once('close', () => {
      if (this.#strangers.get(key)?.isSecured === false) this.#refuse(key, 'tls_ended');
      this.#leave(key);
    });
    if (this.#strangers.size > STRANGERS_MAX) this.#cutOne();
  }

  /** How much of its time is left; 0 when it is over. `socket` may be the TLS socket above the one that came. */
  leftMs(socket: Socket): number {
    const stranger = this.#strangers.get(keyOf(socket));
    return stranger === undefined ? 0 : Math.max(0, stranger.deadlineMs - performance.now());
  }

  /** The TLS handshake has succeeded. */
  secured(socket: Socket): void {
    const stranger = this.#strangers.get(keyOf(socket));
    if (stranger !== undefined) stranger.isSecured = true;
  }

  /** It is refused, for this reason; only the first one counts. */
  refuse(socket: Socket, reason: RefusalReason): void {
    this.#refuse(keyOf(socket), reason);
  }

  /** It is known now who this is. */
  admit(socket: Socket): void {
    this.#leave(keyOf(socket));
  }

  #refuse(key: string, reason: RefusalReason): void {
    const stranger = this.#strangers.get(key);
    if (stranger === undefined || stranger.isRefused) return;
    stranger.isRefused = true;
    this.#refused(reason);
  }

  #cutOne(): void {
    const most = Math.max(...this.#countOf.values());
    for (const { socket, network } of this.#strangers.values()) {
      if (this.#countOf.get(network) !== most) continue;
      this.cutCount++;
      this.#log(
        'warn',
        `${shown(socket)} is cut off: ${STRANGERS_MAX} connections have not said yet who they are, ${most} of them from there`,
      );
      this.refuse(socket, 'too_many_strangers');
      this.#leave(keyOf(socket));
      socket.destroy();
      return;
    }
  }

  #leave(key: string): void {
    const stranger = this.#strangers.get(key);
    if (stranger === undefined) return;
    clearTimeout(stranger.timer);
    this.#strangers.delete(key);
    const left = (this.#countOf.get(stranger.network) ?? 1) - 1;
    if (left === 0) this.#countOf.delete(stranger.network);
    else this.#countOf.set(stranger.network, left);
  }
}

/** The same for a socket and for the TLS socket above it. */
function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''} ${localAddress ?? ''}`;
}

function shown({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? 'somebody'}:${remotePort ?? 0}`;
}
