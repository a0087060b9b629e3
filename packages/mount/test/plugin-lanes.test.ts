import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { PluginQueue, ruleOf } from './plugin-queue.js';

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

const reader = (file: string) => ['sh', '-c', `cat >> ${file}`];

void test('other rules end and start the plugins that differ, and leave the others alone', async (t) => {
  const folder = temporaryFolder(t);
  const file = (name: string) => join(folder, name);
  const stays = ruleOf({ path: 'stays.log', plugin: reader(file('stays')) });
  const queue = await PluginQueue.open(t, join(folder, 'queue'), [
    ruleOf({ path: 'goes.log', plugin: reader(file('goes')) }),
    stays,
    ruleOf({ path: 'changes.log', plugin: reader(file('before')) }),
  ]);
  const write = (text: string) => {
    for (const name of ['goes', 'stays', 'changes', 'comes']) queue.append(`${name}.log`, text);
  };
  write('one\n');
  await waitUntil('the first', () =>
    ['goes', 'stays', 'before'].every((name) => read(file(name)) === 'one\n'),
  );
  const pid = queue.lanes.status()[1]?.processes[0]?.pid;
  const updating = queue.lanes.update(
    [
      stays,
      ruleOf({ path: 'changes.log', plugin: reader(file('after')) }),
      ruleOf({ path: 'comes.log', plugin: reader(file('comes')) }),
    ],
    [],
  );
  write('two\n');
  await updating;
  write('three\n');
  await waitUntil('all', () => read(file('stays')) === 'one\ntwo\nthree\n');
  await waitUntil('all', () => read(file('after')) === 'two\nthree\n');
  await waitUntil('all', () => read(file('comes')) === 'two\nthree\n');
  assert.equal(read(file('goes')), 'one\n');
  assert.equal(read(file('before')), 'one\n');
  assert.equal(queue.lanes.status()[0]?.processes[0]?.pid, pid);
  assert.equal(queue.pending('plugin goes.log').batches, -1, 'nothing is kept for it');
  await queue.lanes.update([], []);
  assert.deepEqual(queue.lanes.status(), []);
});
