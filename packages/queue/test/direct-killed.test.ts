import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sleep, startProcess, temporaryFolder } from '@k2hft/test-harness';

const SCRIPT = fileURLToPath(new URL('./helpers/direct-hammer.js', import.meta.url));

/** Longer runs find what is rare: K2HFT_QUEUE_KILL_MS=600000. */
const KILL_MS = Number(process.env['K2HFT_QUEUE_KILL_MS'] ?? 4000);

test('a process is killed again and again: each number is there once, as the ledger says', async (t) => {
  const dir = temporaryFolder(t);
  let kills = 0;
  for (const endsAt = Date.now() + KILL_MS; Date.now() < endsAt; kills++) {
    const hammer = startProcess(t, process.execPath, [SCRIPT, dir]);
    await hammer.printed('open');
    await sleep(Math.random() * 300);
    hammer.child.kill('SIGKILL');
    assert.equal(await hammer.ended, 'SIGKILL', hammer.output());
    assert.equal(hammer.output(), 'open\n');
  }
  const last = startProcess(t, process.execPath, [SCRIPT, dir, 'untilEmpty']);
  assert.equal(await last.ended, 0, last.output());

  const lines = readFileSync(join(dir, 'drained'), 'latin1').split('\n').slice(0, -1);
  const [word, top = '', lost] = lines.pop()?.split(' ') ?? [];
  assert.equal(word, 'end');
  assert.equal(lost, '{}');
  const positionOf = new Map<string, string>();
  const numberAt = new Map<string, string>();
  for (const line of lines) {
    const [position = '', number = ''] = line.split(' ');
    assert.equal(positionOf.get(number) ?? position, position, `${number} stands at one position`);
    assert.equal(numberAt.get(position) ?? number, number, `${position} holds one number`);
    positionOf.set(number, position);
    numberAt.set(position, number);
  }
  const missing = Array.from({ length: Number(top) }, (_, index) => String(index + 1)).filter(
    (number) => !positionOf.has(number),
  );
  assert.deepEqual(missing, []);
  assert.equal(positionOf.size, Number(top), 'nothing but what the ledger names');
  t.diagnostic(`${kills} kills, ${top} batches, ${lines.length} deliveries`);
});
