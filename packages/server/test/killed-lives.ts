import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  liveAndDie,
  PlacedKills,
  startProcess,
  waitUntil,
  type Cleanup,
  type StartedProcess,
} from '@k2hft/test-harness';
import { PROTOCOL_VERSION } from '@k2hft/wire';
import { configurationOf, type ServerFolder } from './server-process.js';
import { SOURCE_A, SourceClient, type BatchToSend } from './source-client.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const PROGRAM = 'main.js';

/** What a life has to do: little enough that its steps come to an end, and enough that there are several groups. */
const BATCHES_PER_LIFE = 3;

/**
 * A server with one life after the other on the same folders, and one source that sends again what was not
 * acknowledged, and something new in each life. See liveAndDie().
 */
export class KilledLives {
  private readonly kills: PlacedKills;
  private readonly sent: BatchToSend[] = [];
  private unacknowledged: BatchToSend[] = [];

  constructor(
    private readonly cleanup: Cleanup,
    private readonly settings: ServerFolder,
    private readonly makeBatch: (sequence: number) => BatchToSend,
  ) {
    this.kills = new PlacedKills(join(settings.folder, 'kills'));
  }

  /** What all batches so far should have brought to a file. */
  expected(path: string): string {
    const ofPath = this.sent.filter((batch) => batch.path === path);
    return ofPath.map(({ payload }) => String(payload)).join('');
  }

  /**
   * Lives until one is not killed, and ends that one in order. Returns what the others were killed before.
   *
   * @param isDone whether everything has arrived where it belongs
   * @param check called after each life
   */
  run(isDone: () => boolean, check: () => void): Promise<string[]> {
    return liveAndDie({
      stride: 3,
      stepsMin: 20,
      live: async (step) => {
        this.add();
        const what = await this.live(step, isDone);
        check();
        return what;
      },
    });
  }

  private add(): void {
    while (this.unacknowledged.length < BATCHES_PER_LIFE) {
      const sequence = this.sent.length + 1;
      const batch = { ...this.makeBatch(sequence), sequence };
      this.sent.push(batch);
      this.unacknowledged.push(batch);
    }
  }

  /** What it was killed before; undefined when it was not. */
  private async live(step: number, isDone: () => boolean): Promise<string | undefined> {
    this.kills.arm(PROGRAM, step);
    // What is killed while it has something among the temporary files leaves it there.
    const env = { ...process.env, ...this.kills.environment, TMPDIR: this.settings.folder };
    const args = [MAIN, '--json', configurationOf(this.settings)];
    const server = startProcess(this.cleanup, process.execPath, args, { env });
    const hasEnded = () => server.child.exitCode !== null || server.child.signalCode !== null;
    await waitUntil('it listens, or is killed', () => hasEnded() || urlOf(server) !== undefined);
    const client = hasEnded() ? undefined : await this.source(urlOf(server) ?? '');
    const isSafe = () => {
      this.unacknowledged = this.unacknowledged.filter(
        ({ sequence }) => client?.acknowledged.has(`1/${sequence ?? 0}`) !== true,
      );
      return this.unacknowledged.length === 0;
    };
    await waitUntil(`everything is done, or a kill at step ${step}`, () => {
      const isAllSafe = isSafe();
      return hasEnded() || (isAllSafe && isDone());
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${server.output()}`);
    });
    client?.close();
    this.kills.disarm(PROGRAM);
    if (!hasEnded()) server.child.kill('SIGTERM');
    const status = await server.ended;
    const what = this.kills.killedBefore(PROGRAM);
    if (status !== (what === undefined ? 0 : 'SIGKILL'))
      throw new Error(`step ${step}: it ended with ${status}\n${server.output()}`);
    return what;
  }

  /** Undefined when the server has just been killed. */
  private async source(url: string): Promise<SourceClient | undefined> {
    const client = await SourceClient.open(url).catch(() => undefined);
    client?.tell({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      source: SOURCE_A,
      epoch: 1,
      host: 'host1',
      software: 'test',
    });
    // One by one, so that the server has more than one thing to do.
    for (const batch of this.unacknowledged) client?.send(batch);
    return client;
  }
}

export function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function urlOf(server: StartedProcess): string | undefined {
  return /listening on (\S+)/.exec(server.output())?.[1];
}
