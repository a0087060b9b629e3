import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';

const ASK_TIMEOUT_MS = 5_000;

/** Answers a request on the socket in its own way. */
export type SocketCommand = (asked: IncomingMessage, answer: ServerResponse) => void;

/**
 * HTTP on a Unix socket that only the owner may open: GET /status answers with what `content` returns, `commands` with what
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
      answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content()));
    });
  }

  async listen(): Promise<void> {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o755 });
    rmSync(this.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(this.path, resolve);
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
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
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
