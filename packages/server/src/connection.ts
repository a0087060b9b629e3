import type { Socket } from 'node:net';
import { printable, type Log } from '@k2hft/config';
import {
  chooseCompression,
  decodeBatches,
  decodeMessage,
  encodeMessage,
  holdsBatches,
  isCompressed,
  MESSAGE_BYTES_MAX,
  PROTOCOL_VERSION,
  RANGES_MAX,
  WireError,
  type Compression,
  type ControlMessage,
  type HelloMessage,
} from '@k2hft/wire';
import type { WebSocket } from 'ws';
import type { Applier } from './applier.js';
import { messageOf, ServerError } from './errors.js';
import { Inbox } from './inbox.js';
import type { PositionSet } from './positions.js';
import type { Receiver } from './receiver.js';
import type { Source } from './source.js';
import type { Presence } from './web-presence.js';

/*
 * States of a connection:
 *
 *   greeting ──hello──▶ waiting ──an applier is there──▶ open ──▶ ended
 *      └──────────── deadline, malformed, refused ────────────────▶
 */
type ConnectionState = 'greeting' | 'waiting' | 'open' | 'ended';

/** A source that does not say hello within this is none. */
const HELLO_DEADLINE_MS = 10_000;

/** How long a peer may take to answer a close before it is cut off. */
const CLOSE_DEADLINE_MS = 2000;

/** A peer that has not sent a byte for this long is gone: three times the interval of the pings. */
const SILENCE_MAX_MS = 15_000;

/** Acknowledgements that a peer does not read: more of them than this means that it never will. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/** A source that is refused gets the acknowledgements of what was taken from it before; no longer than this. */
const REFUSAL_DEADLINE_MS = 5000;

/** Close codes of RFC 6455. */
const CloseCode = { NORMAL: 1000, GOING_AWAY: 1001, PROTOCOL: 1002, POLICY: 1008, TRY_AGAIN: 1013 } as const;

/** What a connection needs of the server that it belongs to. */
export interface ConnectionHost {
  readonly software: string;
  readonly log: Log;
  /** Undefined while the files are being brought in order. */
  readonly applier: Applier | undefined;
  /** Whether batches may be read now. */
  readonly isGateOpen: boolean;
  readonly blockedReason: string | undefined;
  /** The connection has ended. */
  ended(connection: Connection): void;
}

/** One source's connection: says hello, takes batches to the applier and acknowledgements back. */
export class Connection {
  #state: ConnectionState = 'greeting';
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #host: ConnectionHost;
  readonly #inbox = new Inbox(
    (message) => {
      this.#receive(message);
    },
    (error) => {
      this.#receiveFailed(error);
    },
    () => {
      this.obeyGate();
    },
  );
  readonly #address: string;
  #peer: string;
  #hello: HelloMessage | undefined;
  /** When it was welcomed. */
  #openedAtMs: number | undefined;
  /** What batches of this source may come in. */
  #compression: Compression | undefined;
  #session: { applier: Applier; receiver: Receiver } | undefined;
  #deadline: NodeJS.Timeout;
  /** Batches that were taken and not acknowledged yet. */
  #owedCount = 0;
  /** It is refused, as soon as nothing is owed any more; it is not listened to. */
  #refusal: ServerError | undefined;
  #bytesReadBefore = 0;
  #heardAtMs = performance.now();

  constructor(socket: WebSocket, stream: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#stream = stream;
    this.#host = host;
    this.#address = `${stream.remoteAddress ?? 'somebody'}:${stream.remotePort ?? 0}`;
    this.#peer = this.#address;
    this.#deadline = setTimeout(() => {
      this.refuse('hello', `no hello within ${HELLO_DEADLINE_MS / 1000} s`);
    }, HELLO_DEADLINE_MS);
    socket.on('message', (message: Buffer, isBinary: boolean) => {
      this.#arrived(message, isBinary);
    });
    socket.on('error', (error) => {
      this.#host.log('warn', `${this.#peer}: ${printable(error.message)}`);
    });
    socket.on('close', () => {
      this.#closed();
    });
  }

  /** Who is there; undefined when nobody was welcomed. */
  get presence(): Presence | undefined {
    if (this.#hello === undefined || this.#openedAtMs === undefined) return undefined;
    const { source, host, software } = this.#hello;
    return {
      id: source,
      host,
      software,
      address: this.#address,
      connectedAtMs: this.#openedAtMs,
      unacknowledgedBatches: Math.max(0, this.#owedCount),
    };
  }

  /** Goes on with a source that has said hello, when there is an applier now. */
  open(): void {
    const { applier, log, software } = this.#host;
    const hello = this.#hello;
    if (this.#state !== 'waiting' || applier === undefined || hello === undefined) return;
    let source: Source;
    try {
      source = applier.join(hello.source, hello.host);
    } catch (error) {
      this.#receiveFailed(error);
      return;
    }
    this.#state = 'open';
    this.#openedAtMs = Date.now();
    this.#session = { applier, receiver: this.#receiver(source) };
    this.#compression = chooseCompression(hello.compressions ?? []);
    this.#send({
      type: 'welcome',
      protocol: PROTOCOL_VERSION,
      software,
      messageBytesMax: MESSAGE_BYTES_MAX,
      compression: this.#compression,
    });
    log('info', `${this.#peer} is connected (source ${hello.source}, ${printable(hello.software)})`);
    this.tellStatus();
    this.obeyGate();
  }

  /** Reads on, or stops reading. */
  obeyGate(): void {
    if (this.#state === 'greeting' || this.#state === 'ended') return;
    const { isGateOpen } = this.#host;
    if (isGateOpen && this.#state === 'open' && this.#refusal === undefined && !this.#inbox.isFull) {
      this.#socket.resume();
      this.#heardAtMs = performance.now();
    } else {
      this.#socket.pause();
    }
  }

  /** Tells the source whether its batches are taken. */
  tellStatus(): void {
    if (this.#state !== 'open') return;
    const reason = this.#host.blockedReason;
    if (reason === undefined) this.#send({ type: 'status', state: 'accepting', reason: '' });
    else this.#send({ type: 'status', state: 'full', reason });
  }

  tellDraining(): void {
    if (this.#state === 'open')
      this.#send({ type: 'status', state: 'draining', reason: 'the server is about to end' });
  }

  /**
   * Called every few seconds: finds out whether the peer is alive. One that is not read from cannot be asked;
   * it is sent a pong that it did not ask for, so that it does not take the server for dead.
   */
  heartbeat(): void {
    if (this.#state === 'ended') return;
    if (this.#socket.isPaused) {
      this.#socket.pong();
      return;
    }
    const now = performance.now();
    if (this.#stream.bytesRead !== this.#bytesReadBefore) {
      this.#bytesReadBefore = this.#stream.bytesRead;
      this.#heardAtMs = now;
    }
    if (now - this.#heardAtMs > SILENCE_MAX_MS) {
      this.#host.log('warn', `${this.#peer} is silent: disconnected`);
      this.#socket.terminate();
    } else if (this.#state === 'open') {
      this.#socket.ping();
    }
  }

  /** Tells the peer what is wrong, and closes the connection. */
  refuse(code: string, message: string, closeCode: number = CloseCode.POLICY): void {
    if (this.#state === 'ended') return;
    this.#host.log('warn', `${this.#peer} is refused: ${printable(message)}`);
    this.#send({ type: 'error', code, message });
    this.end(closeCode);
  }

  refuseBusy(connectionsMax: number): void {
    this.refuse(
      'busy',
      `there are ${connectionsMax} connections already (max_connections)`,
      CloseCode.TRY_AGAIN,
    );
  }

  /** Closes the connection after what was sent; cuts it when the peer does not answer. */
  end(closeCode: number = CloseCode.GOING_AWAY): void {
    if (this.#state === 'ended') return;
    this.#leave();
    // What is in the way of the peer's own close must be read, or it is never seen.
    this.#socket.resume();
    this.#socket.close(closeCode);
    this.#deadline = setTimeout(() => {
      this.#socket.terminate();
    }, CLOSE_DEADLINE_MS);
  }

  /** Cuts the connection, so that the source sends again what was not acknowledged. */
  cut(): void {
    this.#leave();
    this.#socket.terminate();
  }

  #arrived(message: Buffer, isBinary: boolean): void {
    if (this.#state === 'ended' || this.#refusal !== undefined) return;
    try {
      if (!isBinary) throw new WireError('malformed', 'a text message: everything here is binary');
      if (isCompressed(message) && this.#compression === undefined)
        throw new WireError('malformed', 'a compressed message, which was not agreed on');
      this.#inbox.add(message);
    } catch (error) {
      this.#receiveFailed(error);
    }
  }

  #receive(message: Buffer): void {
    if (this.#state === 'ended' || this.#refusal !== undefined) return;
    try {
      if (holdsBatches(message)) this.#receiveBatches(message);
      else this.#receiveControl(decodeMessage(message));
    } catch (error) {
      this.#receiveFailed(error);
    }
  }

  #receiveFailed(error: unknown): void {
    if (error instanceof WireError) {
      const code = error.code === 'protocol' ? 'protocol' : 'malformed';
      this.refuse(code, error.message, CloseCode.PROTOCOL);
    } else if (error instanceof ServerError) {
      this.#refuseWhenSafe(error);
    } else {
      this.#host.log('error', `${this.#peer}: ${printable(messageOf(error))}`);
      throw error;
    }
  }

  /**
   * What was taken from the source before is acknowledged first: it would be sent to another server as well. Nothing
   * more is read meanwhile.
   */
  #refuseWhenSafe(refusal: ServerError): void {
    if (this.#owedCount === 0) {
      this.refuse(refusal.code, refusal.message);
      return;
    }
    this.#refusal = refusal;
    this.obeyGate();
    this.#deadline = setTimeout(() => {
      this.refuse(refusal.code, refusal.message);
    }, REFUSAL_DEADLINE_MS);
  }

  #receiveBatches(message: Buffer): void {
    if (this.#session === undefined) throw new WireError('malformed', 'batches before the hello');
    const { applier, receiver } = this.#session;
    try {
      for (const batch of decodeBatches(message)) {
        applier.accept(receiver, batch);
        this.#owedCount++;
      }
    } finally {
      applier.flush();
    }
  }

  #receiveControl(message: ControlMessage): void {
    if (message.type === 'hello' && this.#state === 'greeting') {
      this.#greeted(message);
    } else if (message.type === 'floor' && this.#session !== undefined) {
      this.#session.applier.raiseFloor(this.#session.receiver.source, message);
    } else if (message.type === 'error') {
      this.#host.log(
        'warn',
        `${this.#peer} says: ${printable(message.message)} (${printable(message.code)})`,
      );
    } else {
      throw new WireError('malformed', `a message of type "${message.type}" was not expected`);
    }
  }

  #greeted(hello: HelloMessage): void {
    clearTimeout(this.#deadline);
    this.#hello = hello;
    this.#peer = `${printable(hello.host)} (${this.#peer})`;
    this.#state = 'waiting';
    this.open();
    this.obeyGate();
  }

  #receiver(source: Source): Receiver {
    return {
      source,
      acknowledge: (positions) => {
        this.#acknowledge(positions);
      },
    };
  }

  #acknowledge(positions: PositionSet): void {
    if (this.#state !== 'open') return;
    for (const [epoch, ranges] of positions.epochs()) {
      for (let start = 0; start < ranges.length; start += RANGES_MAX) {
        this.#send({ type: 'ack', epoch, ranges: ranges.slice(start, start + RANGES_MAX) });
      }
      for (const [first, last] of ranges) this.#owedCount -= last - first + 1;
    }
    if (this.#refusal !== undefined && this.#owedCount <= 0) {
      this.refuse(this.#refusal.code, this.#refusal.message);
    } else if (this.#socket.bufferedAmount > UNREAD_BYTES_MAX) {
      this.#host.log('warn', `${this.#peer} does not read its acknowledgements: disconnected`);
      this.cut();
    }
  }

  #send(message: ControlMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeMessage(message));
  }

  #leave(): void {
    clearTimeout(this.#deadline);
    this.#inbox.end();
    this.#state = 'ended';
    this.#session?.applier.leave(this.#session.receiver.source);
    this.#session = undefined;
  }

  #closed(): void {
    if (this.#state === 'open') this.#host.log('info', `${this.#peer} is disconnected`);
    if (this.#state !== 'ended') this.#leave();
    clearTimeout(this.#deadline);
    this.#host.ended(this);
  }
}
