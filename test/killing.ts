import { readFileSync } from 'node:fs';
import { childrenOf, startServer, type Cleanup, type RunningServer } from '@k2hft/test-harness';

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

/** A server that is started again on the same port whenever it was killed, as a service manager would. */
export class KeptServer {
  private constructor(
    private readonly cleanup: Cleanup,
    private readonly folder: string,
    private settings: ServerSettings,
    private running: RunningServer,
  ) {}

  static async start(cleanup: Cleanup, folder: string, settings: ServerSettings = {}): Promise<KeptServer> {
    return new KeptServer(cleanup, folder, settings, await startServer(cleanup, { folder, ...settings }));
  }

  get url(): string {
    return this.running.url;
  }

  /** Waits until it prints this; when it is killed, in what it printed since it was started again. */
  printed(text: RegExp): Promise<void> {
    return this.running.process.printed(text);
  }

  /** It stands still until it is thawed; its kernel still takes bytes and keeps its connections. */
  freeze(): void {
    this.running.process.child.kill('SIGSTOP');
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

/** Kills one of the victims, chosen by chance, every 0.3 to 1 s until the time is over. */
export async function killAtRandom(
  supervisorPid: number,
  server: KeptServer | undefined,
  durationMs: number,
  relay?: KeptServer,
): Promise<Kills> {
  const kills: Kills = { worker: 0, forwarder: 0, server: 0, relay: 0 };
  const victims: Victim[] = ['worker', 'forwarder'];
  if (server !== undefined) victims.push('server');
  if (relay !== undefined) victims.push('relay');
  const deadline = performance.now() + durationMs;
  while (performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 700));
    const victim = victims[Math.floor(Math.random() * victims.length)] ?? 'worker';
    if (victim === 'server') {
      await server?.killAndRestart();
    } else if (victim === 'relay') {
      await relay?.killAndRestart();
    } else {
      const pid = childNamed(supervisorPid, victim);
      if (pid === undefined) continue;
      process.kill(pid, 'SIGKILL');
    }
    kills[victim]++;
  }
  return kills;
}
