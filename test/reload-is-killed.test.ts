import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  liveAndDie,
  PlacedKills,
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  waitUntilDelivered,
  whyNoMounts,
  type Cleanup,
  type RunningMount,
} from '@k2hft/test-harness';

const skip = whyNoMounts() ?? false;

/** Fewer deaths of a worker that had not served yet than a supervisor puts up with. */
const LIVES_PER_MOUNT = 5;

/** The settings that are in force with a number: they differ in what concerns the worker and in what concerns the forwarder. */
function settingsOf(number: number) {
  const isEven = number % 2 === 0;
  return {
    servers: { linger: isEven ? '0ms' : '1ms' },
    rules: [isEven ? { path: '**' } : { path: '**', deny: ['^never '] }],
  };
}

/** A mount whose configuration changes again and again while its processes are killed. */
class Reloading {
  readonly kills: PlacedKills;
  private readonly source: string;
  private number = 0;
  private expected = '';
  private mount: RunningMount | undefined;

  private constructor(
    private readonly cleanup: Cleanup,
    private readonly folder: string,
    private readonly url: string,
  ) {
    this.source = join(folder, 'source');
    this.kills = new PlacedKills(join(folder, 'kills'));
  }

  static async start(cleanup: Cleanup): Promise<Reloading> {
    const folder = temporaryFolder(cleanup);
    const server = await startServer(cleanup, { folder: join(folder, 'server') });
    const reloading = new Reloading(cleanup, folder, server.url);
    await reloading.mountAgain();
    return reloading;
  }

  /** With the settings of the present number. */
  async mountAgain(): Promise<void> {
    await this.mount?.stop();
    this.mount = await startMount(this.cleanup, {
      folder: this.source,
      urls: [this.url],
      ...settingsOf(this.number),
      environment: this.kills.environment,
    });
  }

  write(what: string): void {
    const line = `${what} ${this.number}\n`;
    appendFileSync(join(this.running.point, 'a.log'), line);
    this.expected += line;
  }

  /** What the settings in force say is seen by what becomes of it. */
  writeWhatMayBeDenied(): void {
    const expected = this.expected;
    this.write('never');
    if (this.number % 2 !== 0) this.expected = expected;
  }

  /** Has other settings read, and returns whether they are in force. */
  reload(): () => boolean {
    const { running } = this;
    const inForce = () => running.process.output().split('the configuration is in force').length;
    const before = inForce();
    this.number++;
    const file = join(this.source, 'k2hft.json');
    const { servers, ...configuration } = JSON.parse(readFileSync(file, 'utf8')) as { servers: object };
    const changed = settingsOf(this.number);
    writeFileSync(
      file,
      JSON.stringify({ ...configuration, ...changed, servers: { ...servers, ...changed.servers } }),
    );
    running.process.child.kill('SIGHUP');
    return () => inForce() > before;
  }

  get supervisor(): RunningMount['process'] {
    return this.running.process;
  }

  hasArrived(): boolean {
    const file = this.arrivedFile;
    return existsSync(file) && statSync(file).size >= this.expected.length;
  }

  /** Each line is there once and in order, and nothing is left in the queue. */
  async end(): Promise<void> {
    await waitUntilDelivered(this.running);
    assert.equal(readFileSync(this.arrivedFile, 'utf8'), this.expected);
    assert.equal(this.running.status().queue.batches, 0);
    await this.mount?.stop();
  }

  private get arrivedFile(): string {
    return join(this.folder, 'server/output/a.log');
  }

  private get running(): RunningMount {
    assert(this.mount !== undefined, 'it is mounted');
    return this.mount;
  }
}

/** The supervisor goes on, so the settings come into force whenever its child is killed. */
async function killChild(context: Cleanup, program: string, stride: number): Promise<string[]> {
  const reloading = await Reloading.start(context);
  const { kills } = reloading;
  let lives = 0;
  const killedBefore = await liveAndDie({
    stride,
    stepsMin: 8,
    live: async (step) => {
      if (++lives % LIVES_PER_MOUNT === 0) await reloading.mountAgain();
      reloading.write('before');
      kills.arm(program, step);
      const isInForce = reloading.reload();
      reloading.write('meanwhile');
      await waitUntil('the settings are in force', isInForce).catch((error: unknown) => {
        throw new Error(`step ${step}: ${String(error)}\n${reloading.supervisor.output()}`);
      });
      reloading.writeWhatMayBeDenied();
      reloading.write('after');
      await waitUntil(`everything has arrived, or the ${program} is killed at step ${step}`, () => {
        return kills.killedBefore(program) !== undefined || reloading.hasArrived();
      });
      kills.disarm(program);
      return kills.killedBefore(program);
    },
  });
  await reloading.end();
  return killedBefore;
}

for (const [program, stride] of [
  ['forwarder-main.js', 2],
  ['worker-main.js', 7],
] as const) {
  test(
    `at whatever step of a reload ${program} is killed, the settings come into force and each line arrives once`,
    { skip },
    async (context) => {
      const killedBefore = await killChild(context, program, stride);
      context.diagnostic(`${killedBefore.length} kills, before: ${killedBefore.join(', ')}`);
    },
  );
}

test(
  'at whatever step of a reload the supervisor is killed, the next mount has the settings and each line arrives once',
  { skip },
  async (context) => {
    const program = 'k2hft.js';
    const reloading = await Reloading.start(context);
    const { kills } = reloading;
    const killedBefore = await liveAndDie({
      stride: 2,
      stepsMin: 6,
      live: async (step) => {
        reloading.write('before');
        kills.arm(program, step);
        const isInForce = reloading.reload();
        await waitUntil('the settings are in force, or the supervisor is killed', () => {
          return isInForce() || reloading.supervisor.child.signalCode !== null;
        });
        kills.disarm(program);
        const what = kills.killedBefore(program);
        if (what !== undefined) {
          await reloading.supervisor.ended;
          await reloading.mountAgain();
        }
        reloading.writeWhatMayBeDenied();
        reloading.write('after');
        return what;
      },
    });
    await reloading.end();
    context.diagnostic(`${killedBefore.length} kills, before: ${killedBefore.join(', ')}`);
  },
);
