import type { IncomingMessage } from 'node:http';
import { MESSAGE_BYTES_MAX } from '@k2hft/wire';
import { WebSocketServer, type WebSocket } from 'ws';
import { messageOf, ServerError, systemCode } from './errors.js';

/** Connections that may wait until they are accepted: many sources come back at once after a restart. */
const BACKLOG = 1024;

/** The WebSocket server: it listens, and hands out connections. */
export class Listener {
  readonly #server: WebSocketServer;
  readonly #listenUrl: URL;

  private constructor(server: WebSocketServer, listenUrl: URL) {
    this.#server = server;
    this.#listenUrl = listenUrl;
  }

  /** Listens on a ws:// URL. Throws {@link ServerError} `listen` or `permission`. */
  static async listen(
    url: string,
    accept: (socket: WebSocket, request: IncomingMessage) => void,
  ): Promise<Listener> {
    const listenUrl = new URL(url);
    const server = new WebSocketServer({
      host: listenUrl.hostname.replace(/^\[|\]$/g, ''),
      port: Number(listenUrl.port || 80),
      backlog: BACKLOG,
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES_MAX,
      clientTracking: false,
    });
    server.on('connection', accept);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.once('listening', resolve);
      });
    } catch (error) {
      const code = systemCode(error) === 'EACCES' ? 'permission' : 'listen';
      throw new ServerError(code, `cannot listen on ${url}: ${messageOf(error)}`, { cause: error });
    }
    server.removeAllListeners('error');
    return new Listener(server, listenUrl);
  }

  /** Where it listens, with the port that the system has chosen when none was given. */
  get url(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : this.#listenUrl.port;
    return `${this.#listenUrl.protocol}//${this.#listenUrl.hostname}:${port}`;
  }

  /** No new connections; those that are there go on. */
  close(): void {
    this.#server.close();
  }
}
