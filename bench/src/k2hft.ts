import { mkdirSync, rmSync, truncateSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startMount, startServer, waitUntil, type Cleanup, type RunningMount } from '@k2hft/test-harness';
import { PROFILE_DIR_VARIABLE } from './profile.js';
import type { Driver } from './options.js';
import type { Roles } from './processes.js';
import type { Subject } from './subject.js';

export interface K2hft extends Subject {
  /** Waits until everything is acknowledged: then nobody has anything left to do. */
  idle(): Promise<void>;
  /** Throws when one of the processes is another one than at the start: then the figures are of no use. */
  requireNoRestart(): void;
  /** What its processes have printed. */
  output(): string;
  /** Ends all processes in the ordinary way, which lets them write their profiles. */
  stop(): Promise<void>;
}

/** What the tables call k2hft with each driver. */
const NAMES: Readonly<Record<Driver, string>> = { kernel: 'k2hft', 'fuse-native': 'fuse-native' };

export interface K2hftOptions {
  folder: string;
  mode: 'virtual' | 'overlay';
  /** The kernel's when absent. */
  driver?: Driver;
  profileDir: string | undefined;
  /** Settings of the one rule, and of the server's output; by default lines are sent and written as they are. */
  rule?: Record<string, unknown>;
  output?: Record<string, unknown>;
}

/** Starts a server and a mount with the settings that they have by default. */
export async function startK2hft(cleanup: Cleanup, options: K2hftOptions): Promise<K2hft> {
  const { folder, mode, driver = 'kernel', profileDir, rule = {}, output = {} } = options;
  const environment = profileEnvironment(profileDir);
  const serverFolder = join(folder, 'server');
  const server = await startServer(cleanup, { folder: serverFolder, output, environment });
  cleanup.after(() => server.stop());
  const mount = await startMount(cleanup, {
    folder: join(folder, 'source'),
    urls: [server.url],
    settings: { mount: { mode, driver } },
    rules: [{ path: '**', send: 'lines', ...rule }],
    environment,
  });
  cleanup.after(() => mount.stop());
  await waitUntil('the worker serves', () => serves(mount));
  const roles = rolesOf(mount, server.process.pid);
  return {
    name: NAMES[driver],
    roles,
    road(name) {
      const into = join(mount.point, name);
      const outOf = join(serverFolder, 'output', name);
      return {
        into,
        outOf,
        remove() {
          rmSync(into, { force: true });
          // Emptied first: otherwise the server, which still has it open, would pay for giving back its blocks when
          // it closes the file, in the middle of another run.
          truncateSync(outOf);
          rmSync(outOf);
        },
      };
    },
    idle: () => waitUntil('everything is acknowledged', () => mount.status().queue.batches === 0, 60_000),
    requireNoRestart() {
      const now = rolesOf(mount, server.process.pid);
      for (const [role, pid] of Object.entries(roles)) {
        if (now[role] !== pid) throw new Error(`the ${role} was restarted`);
      }
    },
    output: () => `k2hft mount:\n${mount.process.output()}\nk2hft-svr:\n${server.process.output()}`,
    async stop() {
      await mount.stop();
      await server.stop();
    },
  };
}

/** The mount says that it is there a moment before it answers questions. */
function serves(mount: RunningMount): boolean {
  try {
    return mount.status().processes.worker !== undefined;
  } catch {
    return false;
  }
}

function rolesOf(mount: RunningMount, server: number): Roles {
  const { supervisor, worker, forwarder } = mount.status().processes;
  return { supervisor, ...(worker === undefined ? {} : { worker }), forwarder, server };
}

function profileEnvironment(profileDir: string | undefined): NodeJS.ProcessEnv {
  if (profileDir === undefined) return {};
  mkdirSync(profileDir, { recursive: true });
  return {
    NODE_OPTIONS: `--import=${new URL('profile-preload.js', import.meta.url).href}`,
    [PROFILE_DIR_VARIABLE]: resolve(profileDir),
  };
}
