import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { printable, type ListenAddress, type Log } from '@k2hft/config';
import { AdminError } from './errors.js';
import { isHostAllowed } from './host-check.js';
import { sendText } from './send-text.js';

/** Answers a GET or a HEAD of one path; what it sends to a HEAD beside the headers is dropped. */
export type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface AdminServerOptions {
  listen: ListenAddress;
  /** By path, such as `/metrics`. */
  routes: ReadonlyMap<string, Route>;
  log: Log;
}

/** A browser's headers are some 2 KiB; a scraper's are less. */
const HEADER_BYTES_MAX = 8 * 1024;
/** A request has no body worth waiting for. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Between two requests of a page that is open, and for a reader that takes nothing. */
const IDLE_TIMEOUT_MS = 30_000;
/** How often the two above are looked at. */
const CHECK_MS = 2_000;
/** Some scrapers and some open pages: who needs more is no operator. */
const CONNECTIONS_MAX = 100;

/** A page brings its own rules where it needs scripts; nothing here is ever shown inside another page. */
const SECURITY_HEADERS: readonly [name: string, value: string][] = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
  ['cache-control', 'no-store'],
];

/** HTTP for operators and their tools: it only shows, it changes nothing, and it asks for no password. */
export class AdminServer {
  private readonly server: Server;

  constructor(private readonly options: AdminServerOptions) {
    this.server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: IDLE_TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_MS,
      },
      (request, response) => void this.answer(request, response),
    );
    this.server.maxConnections = CONNECTIONS_MAX;
    this.server.timeout = IDLE_TIMEOUT_MS;
    this.server.on('clientError', refuse);
  }

  /** Resolves with the URL, which tells the port that the system has chosen. Rejects with AdminError. */
  async listen(): Promise<string> {
    const { host, port } = this.options.listen;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(port, host, resolve);
    }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new AdminError(
        'listen',
        `admin.listen: cannot listen on ${host}:${port}: ${why}; give another address or leave it out`,
        { cause: error },
      );
    });
    // One connection that fails, such as for want of file descriptors, is not the end.
    this.server.on('error', (error) => {
      this.options.log('warn', `admin: ${error.message}`);
    });
    const address = this.server.address();
    const chosen = typeof address === 'object' && address !== null ? address.port : port;
    return `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      // What comes as a body is not waited for.
      response.setHeader('connection', 'close');
      sendText(response, 405, 'only GET and HEAD are answered');
      return;
    }
    if (!isHostAllowed(this.options.listen.host, request.headers.host)) {
      sendText(response, 421, 'this listens on loopback: call it by its address or as localhost');
      return;
    }
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const route = this.options.routes.get(path);
    if (route === undefined) {
      sendText(response, 404, `nothing here; there is ${[...this.options.routes.keys()].join(', ')}`);
      return;
    }
    try {
      await route(request, response);
    } catch (error) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.options.log('error', `admin: ${printable(path)} failed: ${why}`);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'this failed; the log says why');
    }
  }
}

/** What is no HTTP, or too long, gets a short answer, where one can still be given. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
