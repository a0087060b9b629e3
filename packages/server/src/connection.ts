import type { Socket } from 'node:net';
import { printable, type Log, type LogLevel, type ServerSettings } from '@k2hft/config';
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
  type Batch,
  type Compression,
  type ControlMessage,
  type HelloMessage,
} from '@k2hft/wire';
import type { WebSocket } from 'ws';
import { checkOrigin } from './admission.js';
import type { Applier } from './applier.js';
import { messageOf, ServerError } from './errors.js';
import { Inbox } from './inbox.js';
import { LiveStreams } from './live-streams.js';
import type { PositionSet } from './positions.js';
import type { Receiver } from './receiver.js';
import type { Source } from './source.js';
import { Throttle } from './throttle.js';
import type { TokenHolder } from './tokens.js';
import type { Presence } from './web-presence.js';

/*
 * States of a connection:
 *
 *   greeting ──hello──▶ waiting ──an applier is there──▶ open ──▶ ended
 *      └──────────── deadline, malformed, refused ────────────────▶
 */
type ConnectionState = 'greeting' | 'waiting' | 'open' | 'ended';

/** What may come before it is known who it is: a hello has some hundred bytes, and a long token 2 KiB. */
const STRANGER_BYTES_MAX = 64 * 1024;

/** How long a peer may take to answer a close before it is cut off. */
const CLOSE_DEADLINE_MS = 2000;

/** Answers that a peer does not read: more of them than this means that it never will. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/** A source that is refused gets the acknowledgements of what was taken from it before; no longer than this. */
const REFUSAL_DEADLINE_MS = 5000;

/** Close codes of RFC 6455. */
const CloseCode = { NORMAL: 1000, GOING_AWAY: 1001, PROTOCOL: 1002, POLICY: 1008, TRY_AGAIN: 1013 } as const;

/** What a connection needs of the server that it belongs to. */
export interface ConnectionHost {
  readonly software: string;
  readonly log: Log;
  /** For what anybody can cause who reaches the port. */
  readonly strangerLog: Log;
  readonly limits: ServerSettings['limits'];
  /** Undefined while the files are being brought in order. */
  readonly applier: Applier | undefined;
  /** Whether batches may be read now. */
  readonly isGateOpen: boolean;
  readonly blockedReason: string | undefined;
  /**
   * It has said who it is: undefined when that binds it to nothing. Throws ServerError for one that is refused.
   */
  admit(connection: Connection, hello: HelloMessage): TokenHolder | undefined;
  /** Counts bytes of messages that are not whole yet; negative when they are whole, or given up. */
  partial(bytes: number): void;
  /** Whether that token holds still. */
  holds(holder: TokenHolder): boolean;
  /** The connection has ended. */
  ended(connection: Connection): void;
}

/** One source's connection: says hello, takes batches to the applier and acknowledgements back. */
export class Connection {
  #state: ConnectionState = 'greeting';
  readonly #socket: WebSocket;
  readonly stream: Socket;
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
  /** Whose token it has shown; undefined: none is asked for. */
  #holder: TokenHolder | undefined;
  readonly #streams = new LiveStreams();
  readonly #throttle = new Throttle();
  /** Runs while more has come than the rate allows. */
  #throttled: NodeJS.Timeout | undefined;
  #strangerBytes = 0;
  #partialBytes = 0;
  /** A message was whole since bytes were counted last. */
  #isWhole = false;
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

  /** @param leftMs how long it may take to say who it is */
  constructor(socket: WebSocket, stream: Socket, host: ConnectionHost, leftMs: number) {
    this.#socket = socket;
    this.stream = stream;
    this.#host = host;
    this.#address = `${stream.remoteAddress ?? 'somebody'}:${stream.remotePort ?? 0}`;
    this.#peer = this.#address;
    this.#deadline = setTimeout(() => {
      this.refuse('hello', `no hello within ${host.limits.handshakeTimeoutMs / 1000} s`);
    }, leftMs);
    stream.on('data', (bytes: Buffer) => {
      this.#count(bytes.length);
    });
    socket.on('ping', (data) => {
      if (socket.bufferedAmount > UNREAD_BYTES_MAX) this.#doesNotRead();
      else socket.pong(data);
    });
    socket.on('message', (message: Buffer, isBinary: boolean) => {
      this.#isWhole = true;
      this.#arrived(message, isBinary);
    });
    socket.on('error', (error) => {
      this.#log('warn', `${this.#peer}: ${printable(error.message)}`);
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

  /** What has come of a message that is not whole yet: about, and rather less. */
  get partialBytes(): number {
    return this.#partialBytes;
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
    const isHeld = this.#refusal !== undefined || this.#inbox.isFull || this.#throttled !== undefined;
    if (isGateOpen && this.#state === 'open' && !isHeld) {
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
    if (this.stream.bytesRead !== this.#bytesReadBefore) {
      this.#bytesReadBefore = this.stream.bytesRead;
      this.#heardAtMs = now;
    }
    if (now - this.#heardAtMs > this.#host.limits.idleTimeoutMs) {
      this.#host.log('warn', `${this.#peer} is silent: disconnected`);
      this.#socket.terminate();
    } else if (this.#state === 'open') {
      this.#socket.ping();
    }
  }

  /** The tokens are others now. */
  checkToken(): void {
    if (this.#holder === undefined || this.#state === 'ended' || this.#host.holds(this.#holder)) return;
    this.#refuseWhenSafe(
      new ServerError(
        'token',
        'the token was taken out of the tokens_file of this server, or given other rights',
      ),
    );
  }

  /** Tells the peer what is wrong, and closes the connection. */
  refuse(code: string, message: string, closeCode: number = CloseCode.POLICY): void {
    if (this.#state === 'ended') return;
    this.#log('warn', `${this.#peer} is refused: ${printable(message)}`);
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
        this.#check(batch);
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

  #check(batch: Batch): void {
    if (this.#holder !== undefined) checkOrigin(batch, this.#holder);
    const { streams } = this.#host.limits;
    if (this.#streams.note(batch) <= streams) return;
    throw new ServerError(
      'streams',
      `more than ${streams} files are open at a time: raise limits.streams of this server if that is meant`,
    );
  }

  #greeted(hello: HelloMessage): void {
    this.#peer = `${printable(hello.host)} (${this.#peer})`;
    this.#holder = this.#host.admit(this, hello);
    clearTimeout(this.#deadline);
    this.#hello = hello;
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
      this.#doesNotRead();
    }
  }

  /** It is the one that has brought most of a message that is not whole, and there is too much of that. */
  cutPartial(): void {
    const partial = `${Math.round(this.#partialBytes / 1024)} KiB of a message that is not whole`;
    this.#log('warn', `${this.#peer} is disconnected: it has sent ${partial}, and memory is short`);
    this.cut();
  }

  #setPartial(bytes: number): void {
    const added = bytes - this.#partialBytes;
    this.#partialBytes = bytes;
    if (added !== 0) this.#host.partial(added);
  }

  #doesNotRead(): void {
    this.#log('warn', `${this.#peer} does not read what it is answered: disconnected`);
    this.cut();
  }

  /** Counts bytes as they come from the network. */
  #count(bytes: number): void {
    if (this.#state === 'greeting') {
      this.#strangerBytes += bytes;
      if (this.#strangerBytes > STRANGER_BYTES_MAX)
        this.refuse('hello', `more than ${STRANGER_BYTES_MAX / 1024} KiB and no hello`, CloseCode.PROTOCOL);
      return;
    }
    this.#setPartial(this.#isWhole || this.#state === 'ended' ? 0 : this.#partialBytes + bytes);
    this.#isWhole = false;
    const waitMs = this.#throttle.take(bytes, this.#host.limits.bytesPerSecond, performance.now());
    if (waitMs === 0 || this.#throttled !== undefined || this.#state === 'ended') return;
    this.#throttled = setTimeout(() => {
      this.#throttled = undefined;
      this.obeyGate();
    }, waitMs);
    this.obeyGate();
  }

  /** Before it is known who it is, anybody can cause what is logged. */
  #log(level: LogLevel, message: string): void {
    const { log, strangerLog } = this.#host;
    if (this.#hello === undefined) strangerLog(level, message);
    else log(level, message);
  }

  #send(message: ControlMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeMessage(message));
  }

  #leave(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#throttled);
    this.#setPartial(0);
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
