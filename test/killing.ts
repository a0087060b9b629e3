import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  childrenOf,
  freePort,
  freezeProcess,
  sendSignal,
  sleep,
  startServer,
  waitUntil,
  type Cleanup,
  type RunningMount,
  type RunningServer,
} from '@k2hft/test-harness';

/** What a server is started with, beside its folder and its port. */
export type ServerSettings = Pick<
  Parameters<typeof startServer>[1],
  'settings' | 'output' | 'host' | 'inside'
>;

type Victim = 'worker' | 'forwarder' | 'server' | 'relay';

/** The process id of a child of the supervisor; undefined while it is being started again. */
export function childNamed(supervisorPid: number, victim: 'worker' | 'forwarder'): number | undefined {
  return childrenOf(supervisorPid).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${victim}-main`);
    } catch {
      return false;
    }
  });
}

/** As {@link childNamed}, where it must be there. */
export function childOf(supervisorPid: number, victim: 'worker' | 'forwarder'): number {
  const pid = childNamed(supervisorPid, victim);
  assert.ok(pid !== undefined, `there is a ${victim}`);
  return pid;
}

/** Kills a child of the supervisor, when it is being started as soon as it is there. */
export async function killChild(supervisorPid: number, victim: 'worker' | 'forwarder'): Promise<void> {
  await waitUntil(`the ${victim} is killed`, () => {
    const pid = childNamed(supervisorPid, victim);
    return pid !== undefined && sendSignal(pid, 'SIGKILL');
  });
}

/** A server that is started again on the same port whenever it was killed, as a service manager would. */
export class KeptServer {
  private constructor(
    private readonly cleanup: Cleanup,
    private readonly folder: string,
    private settings: ServerSettings,
    private running: RunningServer,
  ) {}

  static async start(cleanup: Cleanup, folder: string, settings: ServerSettings = {}): Promise<KeptServer> {
    const running = await startServer(cleanup, { folder, port: await freePort(), ...settings });
    return new KeptServer(cleanup, folder, settings, running);
  }

  get url(): string {
    return this.running.url;
  }

  /** Waits until it prints this; when it is killed, in what it printed since it was started again. */
  printed(text: RegExp): Promise<void> {
    return this.running.process.printed(text);
  }

  /** It stands still until it is thawed; its kernel still takes bytes and keeps its connections. */
  freeze(): Promise<void> {
    return freezeProcess(this.running.process.pid);
  }

  thaw(): void {
    this.running.process.child.kill('SIGCONT');
  }

  async killAndRestart(): Promise<void> {
    await this.kill();
    await this.restart();
  }

  async kill(): Promise<void> {
    this.running.process.child.kill('SIGKILL');
    await this.running.process.ended;
  }

  /** With other settings from now on. */
  async restartWith(settings: ServerSettings): Promise<this> {
    this.settings = settings;
    await this.restart();
    return this;
  }

  async restart(): Promise<void> {
    const port = Number(new URL(this.running.url).port);
    this.running = await startServer(this.cleanup, { folder: this.folder, port, ...this.settings });
  }
}

export interface Kills {
  worker: number;
  forwarder: number;
  server: number;
  relay: number;
}

/**
 * A mount gives up when ten of its workers end within half a minute before they serve. On a slow machine they may: so many are
 * killed whether they serve or not, the next ones not before.
 */
const HASTY_KILLS_MAX = 8;
const HASTY_WINDOW_MS = 30_000;
/** A worker counts as serving when it has answered a tick. */
const TICK_MS = 1_000;

class WorkerKiller {
  private killedAtMs: number[] = [];

  constructor(private readonly mount: RunningMount) {}

  async kill(): Promise<void> {
    const sinceMs = performance.now() - HASTY_WINDOW_MS;
    this.killedAtMs = this.killedAtMs.filter((atMs) => atMs > sinceMs);
    if (this.killedAtMs.length >= HASTY_KILLS_MAX) {
      await promisify(execFile)('ls', [this.mount.point]);
      await sleep(TICK_MS);
    }
    await killChild(this.mount.process.pid, 'worker');
    this.killedAtMs.push(performance.now());
  }
}

/** Kills one of the victims, chosen by chance, every 0.3 to 1 s until the time is over and each was killed. */
export async function killAtRandom(
  mount: RunningMount,
  server: KeptServer | undefined,
  durationMs: number,
  relay?: KeptServer,
): Promise<Kills> {
  const kills: Kills = { worker: 0, forwarder: 0, server: 0, relay: 0 };
  const victims: Victim[] = ['worker', 'forwarder'];
  if (server !== undefined) victims.push('server');
  if (relay !== undefined) victims.push('relay');
  const worker = new WorkerKiller(mount);
  const untilMs = performance.now() + durationMs;
  for (;;) {
    const isLate = performance.now() >= untilMs;
    const candidates = isLate ? victims.filter((victim) => kills[victim] === 0) : victims;
    const victim = candidates[Math.floor(Math.random() * candidates.length)];
    if (victim === undefined) return kills;
    await sleep(300 + Math.random() * 700);
    if (victim === 'server') await server?.killAndRestart();
    else if (victim === 'relay') await relay?.killAndRestart();
    else if (victim === 'worker') await worker.kill();
    else await killChild(mount.process.pid, victim);
    kills[victim]++;
  }
}
