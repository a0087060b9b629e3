import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { messageOf, ServerError, systemCode } from './errors.js';

/** How long the holder of a lock has to say who it is: it answers at once, unless the machine is busy. */
const ANSWER_MS = 10_000;

/** Its answer is a process id and a date. */
const ANSWER_LENGTH_MAX = 200;

/**
 * Keeps a second server away from a state directory. The lock is a socket in Linux's abstract name space, named after
 * the directory's inode: the system lets one process have it, and gives it free when that process ends, however it
 * ends. Whoever connects is told who holds it. Containers that have networks of their own do not see each other's locks.
 */
export class StateLock {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Makes the directory when it is missing. Throws {@link ServerError} `state_locked`, `state_dir` or `permission`. */
  static async take(directory: string): Promise<StateLock> {
    const name = lockName(directory);
    const since = new Date().toISOString();
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(`process ${process.pid}, since ${since}`);
    });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ path: name }, resolve);
      });
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE') throw stateError(directory, error);
      throw new ServerError(
        'state_locked',
        `the state directory ${directory} is in use by another k2hft-svr (${await askHolder(name)})`,
      );
    }
    server.unref();
    return new StateLock(server);
  }

  release(): void {
    this.#server.close();
  }
}

/**
 * The process id of the server that has the state directory; undefined when none has. While none has, everybody on this
 * host can take the lock's name and answer what they like: only a process that is a server is believed in.
 */
export async function stateHolder(directory: string): Promise<number | undefined> {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  const [, pid] = /^process (\d+),/.exec(await askHolder(nameOf(directory))) ?? [];
  return pid === undefined || !isServer(pid) ? undefined : Number(pid);
}

function isServer(pid: string): boolean {
  try {
    return /(^|[/\0])k2hft-svr(\.js)?\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  } catch {
    return false;
  }
}

function nameOf(directory: string): string {
  const { dev, ino } = statSync(directory, { bigint: true });
  return `\0k2hft-svr-state-${dev}-${ino}`;
}

function lockName(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return nameOf(directory);
  } catch (error) {
    throw stateError(directory, error);
  }
}

function stateError(directory: string, error: unknown): ServerError {
  const code = ['EACCES', 'EPERM'].includes(systemCode(error) ?? '') ? 'permission' : 'state_dir';
  return new ServerError(code, `cannot use the state directory ${directory}: ${messageOf(error)}`, {
    cause: error,
  });
}

function askHolder(name: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ path: name });
    const finish = (): void => {
      socket.destroy();
      resolve(/^[\w ,:.-]+$/.test(answer) ? answer : 'it does not say which');
    };
    socket.setTimeout(ANSWER_MS, finish);
    socket.on('data', (chunk: Buffer) => {
      answer = (answer + chunk.toString()).slice(0, ANSWER_LENGTH_MAX);
    });
    socket.on('error', finish);
    socket.on('end', finish);
  });
}
