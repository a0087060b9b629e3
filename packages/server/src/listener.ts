import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { printable, type Log } from '@k2hft/config';
import { MESSAGE_BYTES_MAX } from '@k2hft/wire';
import { WebSocketServer, type WebSocket } from 'ws';
import { messageOf, ServerError, systemCode } from './errors.js';
import { FileWatch } from './file-watch.js';
import { limitLog } from './limited-log.js';
import type { Refusal, RefusalReason } from './refusal-reason.js';
import { Strangers } from './strangers.js';
import { explainCertificate, explainHandshake, explainRequest } from './tls-failures.js';
import { readTlsFiles, type TlsSettings } from './tls-files.js';

/** Connections that may wait until they are accepted: many sources come back at once after a restart. */
const BACKLOG = 1024;

/** A WebSocket request has some 300 bytes; proxies add a few lines. */
const HEADER_BYTES_MAX = 8 * 1024;

/** A message of the largest size in the fragments that sources send it in (1 MiB), with much to spare. */
const FRAGMENTS_MAX = 1024;

export interface ListenerOptions {
  /** ws:// or wss:// URL; only its path is served. */
  readonly url: string;
  /** Needed for wss://. */
  readonly tls: TlsSettings | undefined;
  readonly log: Log;
  /** From the first moment of a connection until it is admitted. */
  readonly handshakeTimeoutMs: () => number;
  /** Gets the reason of each connection that is refused before it is admitted, once. */
  readonly refused: (reason: RefusalReason) => void;
  /** Takes a WebSocket, and how long it may take to say who it is. */
  readonly accept: (socket: WebSocket, stream: Socket, leftMs: number) => void;
}

/** The WebSocket server: it listens, and hands out connections that are as they should be, TLS included. */
export class Listener {
  /** For what anybody causes who reaches the port. */
  readonly strangerLog: Log;
  readonly #options: ListenerOptions;
  readonly #listenUrl: URL;
  readonly #server: Server | TlsServer;
  readonly #webSockets: WebSocketServer;
  readonly #strangers: Strangers;
  #watch: FileWatch | undefined;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#listenUrl = new URL(options.url);
    this.strangerLog = limitLog(options.log);
    this.#strangers = new Strangers(this.strangerLog, options.refused);
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES_MAX,
      maxFragments: FRAGMENTS_MAX,
      clientTracking: false,
      // A peer that pings and does not read the answers must not fill the memory: the connection answers itself.
      autoPong: false,
    });
    this.#server = this.#makeServer();
    this.#serve();
  }

  /** Listens. Throws {@link ServerError} `listen`, `permission` or `tls`. */
  static async listen(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    try {
      await listener.#begin();
    } catch (error) {
      listener.#watch?.stop();
      const code = systemCode(error) === 'EACCES' ? 'permission' : 'listen';
      throw new ServerError(code, `cannot listen on ${options.url}: ${messageOf(error)}`, { cause: error });
    }
    return listener;
  }

  /** Where it listens, with the port that the system has chosen when none was given. */
  get url(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : this.#listenUrl.port;
    return `${this.#listenUrl.protocol}//${this.#listenUrl.hostname}:${port}`;
  }

  /** It is known now who is at the other end. */
  admit(stream: Socket): void {
    this.#strangers.admit(stream);
  }

  /** It is refused before it is known who it is. */
  refuse(stream: Socket, reason: RefusalReason): void {
    this.#strangers.refuse(stream, reason);
  }

  /** No new connections; those that are there go on. */
  close(): void {
    this.#watch?.stop();
    this.#server.close();
  }

  #makeServer(): Server | TlsServer {
    const options: ServerOptions = { maxHeaderSize: HEADER_BYTES_MAX, keepAlive: true };
    const { tls, log } = this.#options;
    if (this.#listenUrl.protocol !== 'wss:' || tls === undefined) {
      if (tls !== undefined)
        log('warn', 'tls has no effect, since listen is no wss:// URL: nothing is encrypted');
      return createServer(options);
    }
    const { cert, key, clientCa } = tls;
    const files = clientCa === undefined ? [cert, key] : [cert, key, clientCa];
    // Before they are read, so that no change is missed.
    this.#watch = new FileWatch(files, () => {
      this.#renew(tls);
    });
    return createTlsServer({
      ...options,
      ...readTlsFiles(tls, log),
      requestCert: clientCa !== undefined,
      // A certificate that is missing or wrong is refused with an answer that says so: see #refusal.
      rejectUnauthorized: false,
      handshakeTimeout: this.#options.handshakeTimeoutMs(),
    });
  }

  #renew(tls: TlsSettings): void {
    const { log } = this.#options;
    if (!('setSecureContext' in this.#server)) return;
    try {
      this.#server.setSecureContext(readTlsFiles(tls, log));
      log('info', 'the certificates were read again; new connections get them');
    } catch (error) {
      log('error', `${messageOf(error)}; the certificates that were read before stay`);
    }
  }

  #serve(): void {
    const server = this.#server;
    server.on('connection', (socket: Socket) => {
      this.#strangers.enter(socket, this.#options.handshakeTimeoutMs(), 'setSecureContext' in server);
    });
    server.on('secureConnection', (stream: TLSSocket) => {
      this.#strangers.secured(stream);
    });
    server.on('upgrade', (request: IncomingMessage, _stream: Duplex, head: Buffer) => {
      this.#upgrade(request, request.socket, head);
    });
    server.on('request', (request: IncomingMessage) => {
      this.#strangers.refuse(request.socket, 'request');
      this.#answer(request.socket, 426, 'this port is for k2hft sources, which speak WebSocket');
    });
    server.on('checkContinue', (request: IncomingMessage) => {
      this.#strangers.refuse(request.socket, 'request');
      this.#answer(request.socket, 417, 'this port is for k2hft sources, which speak WebSocket');
    });
    server.on('clientError', (error: Error & { rawPacket?: Buffer }, stream: Duplex) => {
      if (stream instanceof Socket) this.#notUnderstood(error, stream);
      else stream.destroy();
    });
    server.on('tlsClientError', (error: Error, stream: TLSSocket) => {
      this.#tellRefused(stream, explainHandshake(systemCode(error), error.message));
      stream.destroy();
    });
  }

  async #begin(): Promise<void> {
    const { hostname, port, protocol } = this.#listenUrl;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(
        {
          host: hostname.replace(/^\[|\]$/g, ''),
          port: Number(port || (protocol === 'wss:' ? 443 : 80)),
          backlog: BACKLOG,
        },
        resolve,
      );
    });
    this.#server.removeAllListeners('error');
    // Such as too many open files: it is told, and the next one is tried.
    this.#server.on('error', (error: Error) => {
      this.strangerLog('error', `a connection cannot be accepted: ${error.message}`);
    });
  }

  #upgrade(request: IncomingMessage, stream: Socket, head: Buffer): void {
    const refusal = this.#refusal(request, stream);
    if (refusal !== undefined) {
      this.#tellRefused(stream, refusal);
      this.#answer(stream, refusal.status, refusal.sentence);
      return;
    }
    // It is accepted in this turn of the event loop, or was answered what is wrong with its request.
    const outcome = { isAccepted: false };
    this.#webSockets.handleUpgrade(request, stream, head, (socket) => {
      outcome.isAccepted = true;
      this.#options.accept(socket, stream, this.#strangers.leftMs(stream));
    });
    if (!outcome.isAccepted) this.#strangers.refuse(stream, 'request');
  }

  /** Why that request is not served. */
  #refusal(request: IncomingMessage, stream: Socket): (Refusal & { status: number }) | undefined {
    if (this.#options.tls?.clientCa !== undefined && stream instanceof TLSSocket && !stream.authorized) {
      const isThere = stream.getPeerX509Certificate() !== undefined;
      return {
        status: 403,
        ...explainCertificate(isThere ? String(stream.authorizationError) : undefined),
      };
    }
    const pathname = pathOf(request.url ?? '');
    if (request.method === 'GET' && pathname === this.#listenUrl.pathname) return undefined;
    return {
      status: 404,
      reason: 'path',
      sentence: `it asks for ${request.method ?? ''} ${pathname}, and sources are served at ${this.#listenUrl.pathname}`,
    };
  }

  #notUnderstood(error: Error & { rawPacket?: Buffer }, stream: Socket): void {
    const code = systemCode(error);
    // A TLS handshake that took too long comes as tlsClientError as well.
    if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return;
    if (code === 'ECONNRESET' || stream.destroyed) {
      stream.destroy();
      return;
    }
    this.#tellRefused(stream, explainRequest(code, error.rawPacket));
    this.#answer(stream, code === 'HPE_HEADER_OVERFLOW' ? 431 : 400, 'no WebSocket request');
  }

  #tellRefused(stream: Socket, { reason, sentence }: Refusal): void {
    const { remoteAddress, remotePort } = stream;
    this.#strangers.refuse(stream, reason);
    this.strangerLog(
      'warn',
      `${remoteAddress ?? 'somebody'}:${remotePort ?? 0} is refused: ${printable(sentence)}`,
    );
  }

  /** A short answer, and the end; who does not read it is cut off when its time is over. */
  #answer(stream: Socket, status: number, sentence: string): void {
    stream.on('error', () => undefined);
    if (!stream.writable) {
      stream.destroy();
      return;
    }
    const body = `${sentence}\n`;
    stream.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      () => {
        stream.destroySoon();
      },
    );
  }
}

/** A request may ask for anything, also for what no URL can be: that is shown as it came. */
function pathOf(target: string): string {
  return URL.canParse(target, 'ws://server') ? new URL(target, 'ws://server').pathname : target;
}
