import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  waitUntilDelivered,
  type Cleanup,
  type RunningMount,
  type RunningServer,
} from '@k2hft/test-harness';

export interface Pipeline {
  readonly folder: string;
  readonly server: RunningServer;
  readonly mount: RunningMount;
  /** A path inside the mount. */
  inside(name: string): string;
  /** What has arrived of a path; empty when nothing has. */
  arrived(name: string): Buffer;
  /** Waits until the queue is empty. */
  delivered(): Promise<void>;
  /** Waits until the aggregated file holds exactly this. */
  arrives(name: string, expected: string | Buffer): Promise<void>;
}

/** What a mount says when a server has taken it. */
export const CONNECTED = /: connected \(/;

type MountSettings = Omit<Parameters<typeof startMount>[1], 'folder' | 'urls'>;

/** One server and one mount that sends everything to it. */
export async function startPipeline(cleanup: Cleanup, settings: MountSettings = {}): Promise<Pipeline> {
  const folder = temporaryFolder(cleanup);
  const server = await startServer(cleanup, { folder: join(folder, 'server') });
  const mount = await startMount(cleanup, {
    folder: join(folder, 'source'),
    urls: [server.url],
    ...settings,
  });
  // A mount that ends before it is connected leaves what was written in its queue.
  await mount.process.printed(CONNECTED);
  return pipelineOf(folder, server, mount);
}

export function pipelineOf(folder: string, server: RunningServer, mount: RunningMount): Pipeline {
  const arrived = (name: string): Buffer => {
    const path = join(folder, 'server', 'output', name);
    return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  };
  return {
    folder,
    server,
    mount,
    inside: (name) => join(mount.point, name),
    arrived,
    delivered: () => waitUntilDelivered(mount),
    async arrives(name, expected) {
      const bytes = Buffer.from(expected);
      try {
        await waitUntil(`${name} arrives`, () => arrived(name).equals(bytes));
      } catch (error) {
        const found = arrived(name);
        const shown =
          found.length > 2000 ? `${found.length} bytes` : JSON.stringify(found.toString('latin1'));
        throw new Error(`${String(error)}; found ${shown}\n${mount.process.output()}`, { cause: error });
      }
    },
  };
}

/** Runs a shell script; throws with what it said when it fails. A test must not call the mount from its own process while it serves anything itself. */
export function shell(script: string, environment: NodeJS.ProcessEnv = {}): string {
  const done = spawnSync('sh', ['-euc', script], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  if (done.status !== 0)
    throw new Error(`${script}\nended with ${done.status ?? done.signal ?? ''}: ${done.stderr}`);
  return done.stdout;
}
