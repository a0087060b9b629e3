import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sleep, startProcess, temporaryFolder, type StartedProcess } from '@k2hft/test-harness';
import { makeWakeFifo } from '../src/index.js';
import { readNotes } from './helpers/hammer.js';

const SCRIPT = fileURLToPath(new URL('./helpers/hammer.js', import.meta.url));
const RUN_MS = Number(process.env['K2HFT_QUEUE_KILL_MS'] ?? 8000);

function start(t: TestContext, ...args: string[]): StartedProcess {
  return startProcess(t, process.execPath, [SCRIPT, ...args]);
}

test('a writer and a drainer are killed at random: nothing is lost, out of order or corrupt', async (t) => {
  const dir = temporaryFolder(t);
  makeWakeFifo(dir);
  let writer = start(t, 'write', dir);
  await writer.printed('open');
  let drainer = start(t, 'drain', dir);
  const endsAt = Date.now() + RUN_MS;
  let kills = 0;
  const outputs: string[] = [];
  while (Date.now() < endsAt) {
    await sleep(20 + Math.random() * 350);
    kills++;
    const victims = Math.random();
    if (victims < 0.65) {
      writer.child.kill('SIGKILL');
      assert.equal(await writer.ended, 'SIGKILL', writer.output());
      outputs.push(writer.output());
      writer = start(t, 'write', dir);
    }
    if (victims > 0.35) {
      drainer.child.kill('SIGKILL');
      assert.equal(await drainer.ended, 'SIGKILL', drainer.output());
      outputs.push(drainer.output());
      drainer = start(t, 'drain', dir);
    }
  }
  await writer.printed('open');
  await sleep(200);
  for (const { child, ended } of [writer, drainer]) {
    child.kill('SIGKILL');
    await ended;
  }
  const last = start(t, 'drain', dir, 'untilEmpty');
  assert.equal(await last.ended, 0, last.output());

  const written = readNotes(join(dir, 'written'));
  const drained = readNotes(join(dir, 'drained'));
  assert.deepEqual([...written.keys()], [1], 'no hot was thrown away');
  const top = written.get(1)?.at(-1) ?? 0;
  const seen = new Set(drained.get(1));
  const missing = Array.from({ length: top }, (_, index) => index + 1).filter(
    (sequence) => !seen.has(sequence),
  );
  const { floor, lost } = JSON.parse(readFileSync(join(dir, 'end'), 'utf8')) as {
    floor: { epoch: number; sequence: number };
    lost: object;
  };
  assert.deepEqual({ missing, lost }, { missing: [], lost: {} }, `of ${top}`);
  assert.ok(floor.sequence > top, `the floor ${floor.sequence} is not above ${top}`);
  const noise = outputs
    .concat(writer.output(), drainer.output(), last.output())
    .filter((text) => !/^(open\n)?$/.test(text));
  assert.deepEqual(noise, []);
  t.diagnostic(`${kills} kills, ${top} batches, ${drained.get(1)?.length} deliveries`);
});
