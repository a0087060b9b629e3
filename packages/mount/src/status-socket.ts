import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { withShownUrls } from '@k2hft/config';
import { makeTrustedFolder } from './trusted-folder.js';

const ASK_TIMEOUT_MS = 5_000;

/** What no socket of this user allows. */
const OTHERS_AND_RUNNING = 0o177;

/** Answers a request on the socket in its own way. */
export type SocketCommand = (asked: IncomingMessage, answer: ServerResponse) => void;

/**
 * HTTP on a Unix socket that only the owner may open: GET /status answers with what `content` returns, but for what may be a secret in URLs, `commands` with what
 * they do, by path.
 */
export class StatusSocket {
  private readonly server: Server;

  constructor(
    private readonly path: string,
    content: () => unknown,
    commands: ReadonlyMap<string, SocketCommand> = new Map(),
  ) {
    this.server = createServer((asked, answer) => {
      const [path = ''] = (asked.url ?? '').split('?', 1);
      const command = commands.get(path);
      if (command !== undefined) {
        command(asked, answer);
        return;
      }
      if (path !== '/status') {
        answer.writeHead(404).end();
        return;
      }
      answer
        .writeHead(200, { 'content-type': 'application/json' })
        .end(withShownUrls(JSON.stringify(content())));
    });
  }

  async listen(): Promise<void> {
    makeTrustedFolder(dirname(this.path));
    if (lstatSync(this.path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(this.path);
    await new Promise<void>((resolve, reject) => {
      // It is there before listen() returns: at no moment may somebody else open it.
      const umask = process.umask(OTHERS_AND_RUNNING);
      this.server.once('error', reject).listen(this.path, resolve);
      process.umask(umask);
    });
    chmodSync(this.path, 0o600);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
    rmSync(this.path, { force: true });
  }
}

/** Asks a running mount. Rejects with a system error when nobody listens. */
export function askStatus(socketPath: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/status', timeout: ASK_TIMEOUT_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        resolve(JSON.parse(text));
      });
    });
    asked.on('timeout', () => {
      asked.destroy(new Error('the forwarder does not answer; it may be stopped'));
    });
    asked.on('error', reject).end();
  });
}
