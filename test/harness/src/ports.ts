import { createServer } from 'node:net';

/**
 * Ports of this range are given to nobody who does not ask for one: Linux takes those of outgoing connections, and of
 * listeners that leave the choice to it, from 32768 on. So a port stays a test's own also while nobody listens there.
 */
const FIRST_PORT = 12_000;
const PORTS = 20_000;
const PORTS_PER_PROCESS = 40;

let taken = 0;

/**
 * A port of 127.0.0.1 that is free and stays so until it is listened on, for what has no port 0, or listens again on
 * the port that it had before.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + ((process.pid * PORTS_PER_PROCESS + taken++) % PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
