import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { PluginPool } from '@k2hft/plugin';
import { NEVER_MS } from './helpers.js';

void test('one process for each key, not too many, and the one that is idle for longest makes room', async (t) => {
  const folder = temporaryFolder(t);
  let slots = 0;
  const pool = new PluginPool({
    make: (key) => ({
      name: key,
      command: ['cat'],
      stdout: { kind: 'file', path: join(folder, key) },
      log: () => undefined,
      tuning: { graceMs: NEVER_MS },
    }),
    onSlot: () => slots++,
    processesMax: 2,
  });
  undoAtEnd(t, () => pool.stop(0, 0));
  const write = async (key: string, text: string) => {
    await waitUntil(`there is a process for ${key}`, () => pool.get(key) !== undefined);
    pool.get(key)?.write(Buffer.from(text));
    await pool.emptied();
  };
  await write('a', '1\n');
  await write('b', '2\n');
  await write('a', '3\n');
  assert.equal(pool.get('c'), undefined);
  await write('c', '4\n');
  assert.equal(slots, 1, 'b made room');
  assert.equal(pool.processes.length, 2);
  await write('b', '5\n');
  await pool.stop();
  const text = (key: string) => readFileSync(join(folder, key), 'utf8');
  assert.deepEqual([text('a'), text('b'), text('c')], ['1\n3\n', '2\n5\n', '4\n']);
  assert.equal(pool.status().fedBytes, 10);
  assert.equal(pool.get('d'), undefined, 'nothing is started after the end');
});
