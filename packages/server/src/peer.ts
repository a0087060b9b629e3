import type { Socket } from 'node:net';
import { encodeMessage, type ControlMessage } from '@k2hft/wire';
import type { WebSocket } from 'ws';

/** Close codes of RFC 6455. */
export const CloseCode = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL: 1002,
  POLICY: 1008,
  TRY_AGAIN: 1013,
} as const;

/** How long a peer may take to answer a close before it is cut off. */
const CLOSE_DEADLINE_MS = 2000;

/** Answers that a peer does not read: more of them than this means that it never will. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/** The other end of a connection: what it is told, whether it lives and reads, and how to part from it. */
export class Peer {
  readonly stream: Socket;
  readonly address: string;
  readonly #socket: WebSocket;
  #closeDeadline: NodeJS.Timeout | undefined;
  #bytesReadBefore = 0;
  #heardAtMs = performance.now();

  /** @param doesNotRead called for a ping when {@link isUnread} */
  constructor(socket: WebSocket, stream: Socket, doesNotRead: () => void) {
    this.#socket = socket;
    this.stream = stream;
    this.address = `${stream.remoteAddress ?? 'somebody'}:${stream.remotePort ?? 0}`;
    socket.on('ping', (data) => {
      if (this.isUnread) doesNotRead();
      else socket.pong(data);
    });
    socket.on('close', () => {
      clearTimeout(this.#closeDeadline);
    });
  }

  /** Whether more of what it was told is waiting than a peer that reads would leave. */
  get isUnread(): boolean {
    return this.#socket.bufferedAmount > UNREAD_BYTES_MAX;
  }

  /** Tells it something, unless it is being parted from. */
  tell(message: ControlMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeMessage(message));
  }

  /** Reads on. */
  resume(): void {
    this.#socket.resume();
    this.#heardAtMs = performance.now();
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  /**
   * Finds out whether it is alive; false: it has been silent for longer than that. One that is not read from cannot be
   * asked; it is sent a pong that it did not ask for, so that it does not take the server for dead.
   */
  heartbeat(idleTimeoutMs: number, isAsked: boolean): boolean {
    if (this.#socket.isPaused) {
      this.#socket.pong();
      return true;
    }
    const now = performance.now();
    if (this.stream.bytesRead !== this.#bytesReadBefore) {
      this.#bytesReadBefore = this.stream.bytesRead;
      this.#heardAtMs = now;
    }
    if (now - this.#heardAtMs > idleTimeoutMs) return false;
    if (isAsked) this.#socket.ping();
    return true;
  }

  /** Closes after what it was told; cuts it when it does not answer. */
  close(closeCode: number): void {
    // What is in the way of its own close must be read, or it is never seen.
    this.#socket.resume();
    this.#socket.close(closeCode);
    this.#closeDeadline = setTimeout(() => {
      this.#socket.terminate();
    }, CLOSE_DEADLINE_MS);
  }

  cut(): void {
    clearTimeout(this.#closeDeadline);
    this.#socket.terminate();
  }
}
