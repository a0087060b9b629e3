import type { LookupFunction } from 'node:net';
import {
  ATTRIBUTES_BYTES_MAX,
  BATCH_PREFIX_BYTES,
  PAYLOAD_BYTES_MAX,
  PROTOCOL_VERSION,
  WireError,
  availableCompressions,
  decodeMessage,
  encodeMessage,
  type AckMessage,
  type ControlMessage,
  type StatusMessage,
  type WelcomeMessage,
} from '@k2hft/wire';
import type { WebSocket } from 'ws';
import { describeError } from './errors.js';
import { Outbox } from './outbox.js';
import { Pulse } from './pulse.js';
import type { ForwarderServers, Tuning } from './settings.js';
import { closeSocket, openSocket, readAnswer, sendMessage } from './socket.js';
import { explainFailure } from './tls-failures.js';
import { readToken } from './token.js';

/**
 * - `gone`: it broke, was closed, or is silent.
 * - `refused`: the server has said that it does not like what it got.
 * - `loop`: the server has got back what went through it before: relays send to each other in a circle.
 * - `nonsense`: the server sent what cannot be understood.
 */
export type Loss = 'gone' | 'refused' | 'loop' | 'nonsense';

/** What a connection tells. After `lost` it tells nothing more. */
export interface ConnectionEvents {
  /** The WebSocket is open, hello is sent. */
  greeting(): void;
  /** The server has accepted us: batches may be sent. */
  welcomed(software: string, compression: string | undefined): void;
  ack(message: AckMessage): void;
  status(message: StatusMessage): void;
  /** The socket takes data again after it was choked. */
  drained(): void;
  /** Once per heartbeat; `paused` when this process had stood still since the last. */
  beat(paused: boolean): void;
  lost(reason: string, kind: Loss): void;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly servers: Pick<ForwarderServers, 'tls' | 'tokenFile' | 'failoverAfterMs' | 'compression'>;
  readonly tuning: Tuning;
  readonly lookup: LookupFunction;
  readonly hello: () => { source: string; epoch: number; host: string; software: string };
}

const LONGEST_BATCH_BYTES = BATCH_PREFIX_BYTES + ATTRIBUTES_BYTES_MAX + PAYLOAD_BYTES_MAX;

/** One connection, from the first attempt to its end: connecting → greeting → welcomed → over. */
export class Connection {
  /** Of the server; undefined before it has answered. */
  address: string | undefined;
  /** The socket has enough for now. */
  choked = false;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  #state: 'connecting' | 'greeting' | 'welcomed' | 'over' = 'connecting';
  #socket: WebSocket | undefined;
  /** The deadline of the handshake, and then the heartbeat. */
  #timer: NodeJS.Timeout;
  #pulse: Pulse | undefined;
  #givenBytes = 0;
  readonly #outbox = new Outbox(
    (message) => {
      this.#transmit(message);
    },
    (error) => {
      this.fail(`cannot compress: ${describeError(error)}`);
    },
  );

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    const { handshakeTimeoutMs } = options.tuning;
    this.#timer = setTimeout(() => {
      this.fail(`no welcome within ${handshakeTimeoutMs} ms`);
    }, handshakeTimeoutMs);
    try {
      this.#open();
    } catch (error) {
      // Not before the owner knows that there is a connection at all.
      queueMicrotask(() => {
        this.fail(explainFailure(error, options.url) ?? describeError(error));
      });
    }
  }

  /** Sends one message, in order with all others. */
  send(message: Buffer): void {
    if (this.#socket === undefined || this.#state === 'over') return;
    this.#outbox.add(message);
    if (this.#unsentBytes > this.#options.tuning.bufferedBytesMax) this.choked = true;
  }

  /** Ends it for a reason that is found elsewhere. */
  fail(reason: string, kind: Loss = 'gone'): void {
    if (!this.#end()) return;
    this.#socket?.terminate();
    this.#events.lost(reason, kind);
  }

  /** Ends it politely; nothing is told any more. */
  close(): void {
    if (this.#end() && this.#socket !== undefined) closeSocket(this.#socket, 1000);
  }

  get #unsentBytes(): number {
    return this.#outbox.waitingBytes + (this.#socket?.bufferedAmount ?? 0);
  }

  #transmit(message: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined || this.#state === 'over') return;
    this.#givenBytes += message.length;
    sendMessage(socket, message, () => {
      const { bufferedBytesMax } = this.#options.tuning;
      if (!this.choked || this.#state === 'over' || this.#unsentBytes > bufferedBytesMax / 2) return;
      this.choked = false;
      this.#events.drained();
    });
  }

  #open(): void {
    const { url, servers, hello, lookup } = this.#options;
    const { tokenFile } = servers;
    const token = tokenFile === undefined ? undefined : readToken(tokenFile);
    const socket = openSocket(url, servers.tls, lookup);
    this.#socket = socket;
    socket.once('upgrade', ({ socket: stream }) => {
      this.address = stream.remoteAddress;
    });
    socket.on('open', () => {
      if (this.#state !== 'connecting') return;
      this.#state = 'greeting';
      const compressions = offeredCompressions(servers.compression);
      this.send(
        encodeMessage({ type: 'hello', protocol: PROTOCOL_VERSION, ...hello(), token, compressions }),
      );
      this.#events.greeting();
    });
    socket.on('message', (data, isBinary) => {
      this.#receive(isBinary && Buffer.isBuffer(data) ? data : Buffer.of());
    });
    socket.on('pong', () => this.#pulse?.heard(performance.now()));
    // An error also comes when a socket is ended that is not open yet; fail() does nothing then.
    socket.on('error', (error) => {
      this.fail(explainFailure(error, url) ?? describeError(error));
    });
    socket.on('unexpected-response', (_request, response) => {
      readAnswer(response, (answer) => {
        this.fail(`the server refuses: ${answer}`, 'refused');
      });
    });
    socket.on('close', (code, reason) => {
      this.fail(describeClose(code, reason.toString()));
    });
  }

  #receive(bytes: Buffer): void {
    if (this.#state === 'over') return;
    this.#pulse?.heard(performance.now());
    try {
      this.#handle(decodeMessage(bytes));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuse(error);
    }
  }

  #handle(message: ControlMessage): void {
    const welcomed = this.#state === 'welcomed';
    if (message.type === 'error')
      this.fail(
        `the server refuses: ${message.message} (${message.code})`,
        message.code === 'loop' ? 'loop' : 'refused',
      );
    else if (message.type === 'welcome' && !welcomed) this.#welcome(message);
    else if (message.type === 'ack' && welcomed) this.#events.ack(message);
    else if (message.type === 'status' && welcomed) this.#events.status(message);
    else throw new WireError('malformed', `the server sent "${message.type}" where it has no place`);
  }

  #welcome(message: WelcomeMessage): void {
    if (message.messageBytesMax < LONGEST_BATCH_BYTES) {
      const { messageBytesMax } = message;
      throw new WireError(
        'limit',
        `the server takes ${messageBytesMax} bytes, a batch may have ${LONGEST_BATCH_BYTES}`,
      );
    }
    const { heartbeatMs, silentAfterMs } = this.#options.tuning;
    clearTimeout(this.#timer);
    this.#outbox.agree(message.compression);
    this.#state = 'welcomed';
    this.#pulse = new Pulse(heartbeatMs, silentAfterMs, performance.now());
    this.#timer = setInterval(() => {
      this.#beat();
    }, heartbeatMs);
    this.#events.welcomed(message.software, message.compression);
  }

  #beat(): void {
    const takenBytes = this.#givenBytes - (this.#socket?.bufferedAmount ?? 0);
    const pulse = this.#pulse?.beat(performance.now(), takenBytes);
    if (pulse === 'silent') {
      this.fail(`nothing heard from the server for ${this.#options.tuning.silentAfterMs} ms`);
      return;
    }
    this.#events.beat(pulse === 'paused');
    // The owner may have ended it.
    if (this.#state === 'welcomed') this.#socket?.ping();
  }

  /** The server's bytes make no sense here: it is told so. */
  #refuse(error: WireError): void {
    this.send(encodeMessage({ type: 'error', code: error.code, message: error.message }));
    if (!this.#end()) return;
    if (this.#socket !== undefined) closeSocket(this.#socket, 1002);
    this.#events.lost(error.message, 'nonsense');
  }

  /** False when it was over before. */
  #end(): boolean {
    if (this.#state === 'over') return false;
    this.#state = 'over';
    this.#outbox.end();
    clearTimeout(this.#timer);
    return true;
  }
}

/** What the server may choose from; undefined: nothing is compressed. */
function offeredCompressions(wanted: ForwarderServers['compression']): string[] | undefined {
  if (wanted === 'none') return undefined;
  const available: string[] = availableCompressions();
  // A Node.js without zstd is no reason to send nothing: gzip stands in for it.
  return available.includes(wanted) ? [wanted] : available;
}

/** The code that no peer sends: it stands for a connection that ended without a close. */
const CLOSE_ABNORMAL = 1006;

function describeClose(code: number, reason: string): string {
  if (code === CLOSE_ABNORMAL) return 'the connection broke';
  return `the server closed the connection (${reason === '' ? code : `${code}, ${reason}`})`;
}
