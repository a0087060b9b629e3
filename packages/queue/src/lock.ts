import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { errorCode, QueueError } from './errors.js';

/** Who holds a queue, for the message to the one who comes second. */
export interface QueueOwner {
  readonly pid: number;
  /** What it does with it: "k2hft mount /var/log/app". */
  readonly what: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface QueueLock {
  release(): Promise<void>;
}

function ownerFile(directory: string): string {
  return join(directory, 'owner.json');
}

/**
 * One process at a time has a queue. The lock is an abstract socket named after the directory's device and inode: the
 * kernel takes it away with its process however that ends, and two paths to one directory meet in one name. It is
 * seen within one network namespace. Throws QueueError `locked`.
 */
export async function lockQueue(directory: string, what: string): Promise<QueueLock> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { dev, ino } = statSync(directory, { bigint: true });
  const server = createServer((socket) => {
    socket.destroy();
  });
  try {
    await listen(server, `\0k2hft-queue-${dev}:${ino}`);
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
    throw new QueueError('locked', `the queue ${directory} is in use by ${describe(queueOwner(directory))}`);
  }
  const owner: QueueOwner = { pid: process.pid, what, since: new Date().toISOString() };
  writeOwner(directory, owner);
  return {
    release: () => {
      rmSync(ownerFile(directory), { force: true });
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

/** What the last owner wrote of itself; it may be gone. */
export function queueOwner(directory: string): QueueOwner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(ownerFile(directory), 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, what, since } = value as Record<string, unknown>;
    if (typeof pid !== 'number' || typeof what !== 'string' || typeof since !== 'string') return undefined;
    return { pid, what, since };
  } catch {
    return undefined;
  }
}

function writeOwner(directory: string, owner: QueueOwner): void {
  try {
    writeFileSync(ownerFile(directory), `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  } catch (error) {
    // The name of the owner is a courtesy; a full disk must not keep a queue from being emptied.
    if (errorCode(error) !== 'ENOSPC') throw error;
  }
}

function describe(owner: QueueOwner | undefined): string {
  return owner === undefined
    ? 'another process'
    : `process ${owner.pid} (${owner.what}) since ${owner.since}`;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.unref();
      resolve();
    });
  });
}
