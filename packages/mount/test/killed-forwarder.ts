import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadMountSettings, type MountSettings } from '@k2hft/config';
import { HotQueue, makeWakeFifo, Waker } from '@k2hft/queue';
import { liveAndDie, PlacedKills, startProcess, waitUntil, type Cleanup } from '@k2hft/test-harness';
import { BATCH_PREFIX_BYTES, BatchFlag, encodeAttributes, inspectBatch, writeBatchHeader } from '@k2hft/wire';
import type { ChildArguments } from '../src/child-arguments.js';

const FORWARDER = fileURLToPath(new URL('../src/forwarder-main.js', import.meta.url));
const PROGRAM = 'forwarder-main.js';
const STOP_GRACE_MS = 5_000;

/**
 * One life of a forwarder after the other on one queue, see liveAndDie(). The test itself is its worker, which appends to
 * the queue, and its supervisor.
 */
export class KilledForwarder {
  readonly queueDir: string;
  private readonly folder: string;
  private readonly settings: MountSettings;
  private readonly kills: PlacedKills;
  private readonly hot: HotQueue;
  private readonly waker: Waker;
  private readonly texts = new Map<string, string>();
  private batches = 0;

  constructor(
    private readonly cleanup: Cleanup,
    folder: string,
    configuration: Record<string, unknown>,
  ) {
    this.folder = folder;
    this.queueDir = join(folder, 'queue');
    const json = JSON.stringify({
      queue: { dir: this.queueDir, min_free: '16MiB' },
      admin: { socket: join(folder, 'status.sock') },
      ...configuration,
    });
    this.settings = loadMountSettings({ json, env: {} });
    this.kills = new PlacedKills(join(folder, 'kills'));
    mkdirSync(this.queueDir);
    makeWakeFifo(this.queueDir);
    this.hot = HotQueue.open({ dir: this.queueDir, settings: this.settings.queue, inspect: inspectBatch });
    this.waker = new Waker(this.queueDir);
  }

  /** All that was written to a path. */
  written(path: string): string {
    return this.texts.get(path) ?? '';
  }

  /** Appends a line for each path. The worker marks what is for plugins alone; here it is known by its name. */
  write(...paths: string[]): void {
    for (const path of paths) {
      const line = `line ${++this.batches}\n`;
      this.append(path, Buffer.from(line));
      this.texts.set(path, this.written(path) + line);
    }
    this.waker.wake();
  }

  /** Asks the forwarder to make everything durable; returns whether it was. */
  checkpoint(): () => boolean {
    const { epoch } = this.hot;
    const ticket = this.hot.requestCheckpoint({ epoch, sequence: this.hot.nextSequence() - 1 });
    this.waker.wake();
    return () => this.hot.isDurable(ticket);
  }

  /**
   * Returns what the lives were killed before.
   *
   * @param begin called at the beginning of each; tells whether it has done all there is to do
   * @param check called after each
   */
  run(begin: () => () => boolean, check: () => void): Promise<string[]> {
    return liveAndDie({
      stride: 4,
      stepsMin: 30,
      live: async (step) => {
        const what = await this.live(step, begin());
        check();
        return what;
      },
    });
  }

  close(): void {
    this.hot.collect();
    this.hot.close();
  }

  private async live(step: number, isDone: () => boolean): Promise<string | undefined> {
    this.kills.arm(PROGRAM, step);
    const { settings, folder } = this;
    const given: ChildArguments = {
      settings,
      mountPoint: join(folder, 'mount'),
      mountId: 'test',
      mounting: { driver: 'fuse-native', source: undefined, flags: [], allowOther: false },
      rootOwner: { mode: 0o755, uid: 0, gid: 0 },
      finishOnly: false,
    };
    const forwarder = startProcess(this.cleanup, process.execPath, [FORWARDER], {
      // What is killed while it has something among the temporary files leaves it there.
      env: { ...process.env, ...this.kills.environment, TMPDIR: folder },
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    });
    // It may be killed before it reads this.
    forwarder.child.stdin?.on('error', () => undefined).end(JSON.stringify(given));
    const hasEnded = () => forwarder.child.exitCode !== null || forwarder.child.signalCode !== null;
    await waitUntil(`everything is done, or a kill at step ${step}`, () => hasEnded() || isDone()).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${forwarder.output()}`);
      },
    );
    this.kills.disarm(PROGRAM);
    // It may have been killed at this very moment: a callback takes the error.
    if (!hasEnded()) forwarder.child.send({ type: 'stop', graceMs: STOP_GRACE_MS }, () => undefined);
    const status = await forwarder.ended;
    const what = this.kills.killedBefore(PROGRAM);
    if (status !== (what === undefined ? 0 : 'SIGKILL'))
      throw new Error(`step ${step}: it ended with ${status}\n${forwarder.output()}`);
    return what;
  }

  private append(path: string, payload: Buffer): void {
    const attributes = encodeAttributes({ path: Buffer.from(path), host: 'host1' });
    const payloadStart = BATCH_PREFIX_BYTES + attributes.length;
    const bytes = Buffer.alloc(payloadStart + payload.length);
    payload.copy(bytes, payloadStart);
    const sequence = this.hot.nextSequence();
    const fields = {
      epoch: this.hot.epoch,
      sequence,
      stream: 1,
      flags: path.startsWith('local') ? BatchFlag.LOCAL : 0,
      recordCount: 1,
      timeSeconds: Math.floor(Date.now() / 1000),
      timeNanos: 0,
      pid: 42,
      uid: 0,
      gid: 0,
    };
    writeBatchHeader(bytes, payloadStart, bytes.length, fields, attributes);
    this.hot.append([{ sequence, bytes }]);
  }
}
