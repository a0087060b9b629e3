import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sleep, startProcess, temporaryFolder, type StartedProcess } from '@k2hft/test-harness';
import { makeWakeFifo } from '../src/index.js';
import { readNotes } from './helpers/hammer.js';

const SCRIPT = fileURLToPath(new URL('./helpers/hammer.js', import.meta.url));

/** Longer runs find what is rare: K2HFT_QUEUE_KILL_MS=600000. */
const KILL_MS = Number(process.env['K2HFT_QUEUE_KILL_MS'] ?? 5000);
const LOOK_MS = Number(process.env['K2HFT_QUEUE_LOOK_MS'] ?? 2000);

/** The processes of one test, and what they printed: nothing but that they are open. */
class Processes {
  private readonly printed: string[] = [];

  constructor(
    private readonly context: TestContext,
    readonly dir: string,
  ) {
    makeWakeFifo(dir);
  }

  start(role: string, mode = ''): StartedProcess {
    return startProcess(this.context, process.execPath, [SCRIPT, role, this.dir, mode]);
  }

  async kill(victim: StartedProcess): Promise<void> {
    victim.child.kill('SIGKILL');
    assert.equal(await victim.ended, 'SIGKILL', victim.output());
    this.printed.push(victim.output());
  }

  /** Drains what is left, then compares what was written with what was drained. */
  async finish(): Promise<string> {
    const last = this.start('drain', 'untilEmpty');
    assert.equal(await last.ended, 0, last.output());
    this.printed.push(last.output());
    const written = readNotes(join(this.dir, 'written'));
    const drained = readNotes(join(this.dir, 'drained'));
    assert.deepEqual([...written.keys()], [1], 'no hot was thrown away');
    const top = written.get(1)?.at(-1) ?? 0;
    const seen = new Set(drained.get(1));
    const missing = Array.from({ length: top }, (_, index) => index + 1).filter(
      (sequence) => !seen.has(sequence),
    );
    const end = JSON.parse(readFileSync(join(this.dir, 'end'), 'utf8')) as {
      floor: { sequence: number };
      lost: object;
    };
    assert.deepEqual({ missing, lost: end.lost }, { missing: [], lost: {} }, `of ${top}`);
    assert.ok(end.floor.sequence > top, `the floor ${end.floor.sequence} is not above ${top}`);
    const noise = this.printed.filter((text) => !/^(open\n)?$/.test(text));
    assert.deepEqual(noise, []);
    return `${top} batches, ${drained.get(1)?.length ?? 0} deliveries`;
  }
}

test('a writer and a drainer are killed at random: nothing is lost, out of order or corrupt', async (t) => {
  const processes = new Processes(t, temporaryFolder(t));
  let writer = processes.start('write');
  await writer.printed('open');
  let drainer = processes.start('drain');
  let kills = 0;
  for (const endsAt = Date.now() + KILL_MS; Date.now() < endsAt; kills++) {
    await sleep(20 + Math.random() * 350);
    const victim = Math.random();
    if (victim < 0.65) {
      await processes.kill(writer);
      writer = processes.start('write');
    }
    if (victim > 0.35) {
      await processes.kill(drainer);
      drainer = processes.start('drain');
    }
  }
  await writer.printed('open');
  await sleep(200);
  await processes.kill(writer);
  await processes.kill(drainer);
  t.diagnostic(`${kills} kills, ${await processes.finish()}`);
});

test('other processes open the databases all the time: the writer loses nothing', async (t) => {
  const processes = new Processes(t, temporaryFolder(t));
  const writer = processes.start('write');
  await writer.printed('open');
  const drainer = processes.start('drain');
  await drainer.printed('open');
  const lookers = [processes.start('look'), processes.start('look')];
  await sleep(LOOK_MS);
  for (const started of [...lookers, writer, drainer]) await processes.kill(started);
  t.diagnostic(await processes.finish());
});
