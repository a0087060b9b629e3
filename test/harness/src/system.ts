import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { undoAtEnd, type Cleanup } from './cleanup.js';
import { startProcess, type StartedProcess } from './processes.js';
import { WAIT_MS_MAX, waitUntil } from './waiting.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
export const MOUNT_COMMAND = join(ROOT, 'packages/mount/bin/k2hft.js');
export const SERVER_COMMAND = join(ROOT, 'packages/server/bin/k2hft-svr.js');
/** What does not end by itself for so long is killed. */
const END_MS = WAIT_MS_MAX;
/** A forwarder that is held up for some seconds does not answer in time: it is asked again. */
const STATUS_TRIES = 3;

/** Why whole-system tests cannot run here; undefined when they can. */
export function whyNoMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to mount';
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
  return undefined;
}

export interface RunningServer {
  readonly process: StartedProcess;
  readonly url: string;
  /** Ends it with SIGTERM and waits. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Holds the state, the output and the configuration; reuse it to start the same server again. */
  folder: string;
  /** Port of an earlier start, so that sources find it again. */
  port?: number;
  /** Default: 127.0.0.1. */
  host?: string;
  /** A command that runs the server, such as `ip netns exec NAME`; it must become the server. */
  inside?: readonly string[];
  /** Settings beside listen, state_dir and output.dir, as the configuration's JSON. */
  settings?: Record<string, unknown>;
  output?: Record<string, unknown>;
  environment?: NodeJS.ProcessEnv;
}

/** Starts a real k2hft-svr whose files are in `${folder}/output`. */
export async function startServer(cleanup: Cleanup, options: ServerOptions): Promise<RunningServer> {
  const { folder, port = 0, host = '127.0.0.1', settings = {}, output = {}, environment = {} } = options;
  mkdirSync(folder, { recursive: true });
  const configuration = {
    listen: `ws://${host}:${port}`,
    state_dir: join(folder, 'state'),
    output: { dir: join(folder, 'output'), ...output },
    ...settings,
  };
  const file = join(folder, 'k2hft-svr.json');
  writeFileSync(file, JSON.stringify(configuration));
  const [command, ...args] = [
    ...(options.inside ?? []),
    process.execPath,
    SERVER_COMMAND,
    '-c',
    file,
  ] as const;
  const started = startProcess(cleanup, command, args, {
    env: { ...process.env, ...environment },
  });
  await started.printed(/k2hft-svr: listening on \S+/);
  const url = /k2hft-svr: listening on (\S+)/.exec(started.output())?.[1] ?? '';
  return { process: started, url, stop: () => terminate(started) };
}

export interface RunningMount {
  readonly process: StartedProcess;
  readonly point: string;
  readonly queueDir: string;
  readonly statusSocket: string;
  status(): MountStatus;
  stop(): Promise<void>;
}

/** The part of `k2hft status --json` that tests look at. */
export interface MountStatus {
  queue: { batches: number; records: number; bytes: number };
  processes: { supervisor: number; worker?: number; forwarder: number };
  servers: { url: string; state: string }[];
  worker?: { overwrites: number; pieces: number; queue: Record<string, unknown> };
}

export interface MountOptions {
  /** Holds the mount point, the queue and the configuration; reuse it to mount again. */
  folder: string;
  urls: string[];
  mode?: 'overlay' | 'virtual';
  rules?: Record<string, unknown>[];
  queue?: Record<string, unknown>;
  servers?: Record<string, unknown>;
  settings?: Record<string, unknown>;
  environment?: NodeJS.ProcessEnv;
}

/** Mounts with a real `k2hft mount` on `${folder}/mount`; unmounted at the end in any case. */
export async function startMount(cleanup: Cleanup, options: MountOptions): Promise<RunningMount> {
  const { folder, urls, mode = 'virtual', rules, environment = {} } = options;
  const point = join(folder, 'mount');
  const queueDir = join(folder, 'queue');
  const statusSocket = join(folder, 'status.sock');
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  unmountIfMounted(point);
  mkdirSync(point, { recursive: true });
  const configuration = {
    mount: { mode },
    queue: { dir: queueDir, min_free: '16MiB', ...options.queue },
    servers: { urls, ...options.servers },
    admin: { socket: statusSocket },
    ...(rules === undefined ? {} : { rules }),
    ...options.settings,
  };
  const file = join(folder, 'k2hft.json');
  writeFileSync(file, JSON.stringify(configuration));
  // Left before the process is started, so that it runs after the process was ended.
  undoAtEnd(cleanup, () => {
    unmountIfMounted(point);
  });
  const started = startProcess(cleanup, process.execPath, [MOUNT_COMMAND, 'mount', point, '-c', file], {
    env: { ...process.env, ...environment },
  });
  await started.printed(`k2hft: mounted ${point}`);
  const status = () => mountStatus(point);
  return { process: started, point, queueDir, statusSocket, status, stop: () => terminate(started) };
}

/** Asks with the real command, as a user would. */
export function mountStatus(point: string): MountStatus {
  let said = '';
  for (let left = STATUS_TRIES; left > 0; left--) {
    const asked = spawnSync(process.execPath, [MOUNT_COMMAND, 'status', point, '--json'], {
      encoding: 'utf8',
    });
    if (asked.status === 0) return JSON.parse(asked.stdout) as MountStatus;
    said = asked.stderr;
  }
  throw new Error(`k2hft status failed: ${said}`);
}

/** Waits until the queue of a mount is empty: everything has been acknowledged. */
export async function waitUntilDelivered(mount: RunningMount, limitMs = WAIT_MS_MAX): Promise<void> {
  let lastFailure = '';
  const isEmpty = () => {
    try {
      return mount.status().queue.batches === 0;
    } catch (error) {
      // A forwarder that was killed a moment ago answers again in another.
      lastFailure = String(error);
      return false;
    }
  };
  await waitUntil('the queue is empty', isEmpty, limitMs).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${lastFailure}\n${mount.process.output()}`, {
      cause: error,
    });
  });
}

/** Whether a process is gone, or has ended and only its parent has not noticed yet. */
export function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return /^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    return true;
  }
}

/** Process ids of the children of `pid`, by /proc. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text
      .split(' ')
      .filter((part) => part !== '')
      .map(Number);
  } catch {
    return [];
  }
}

function unmountIfMounted(point: string): void {
  const escaped = point.replaceAll(' ', '\\040');
  if (!readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${escaped} `)) return;
  spawnSync('umount', ['-i', '-c', '-f', '-l', point]);
}

async function terminate(started: StartedProcess): Promise<void> {
  started.child.kill('SIGTERM');
  const timer = setTimeout(() => started.child.kill('SIGKILL'), END_MS);
  await started.ended;
  clearTimeout(timer);
}
