import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { BatchFlag } from '@k2hft/wire';
import { PluginQueue, ruleOf } from './plugin-queue.js';

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** Time for plugins to end by themselves, on a machine that is busy with other things. */
const STOP_MS = 240_000;

const reader = (file: string) => ['sh', '-c', `cat >> ${file}`];

void test('each plugin gets the lines of the paths whose first rule is its own, in order', async (t) => {
  const folder = temporaryFolder(t);
  const rules = [
    ruleOf({ path: 'a/special.log', send: 'lines' }),
    ruleOf({ path: 'a/**', plugin: reader(join(folder, 'a')) }),
    ruleOf({ path: '**', plugin: reader(join(folder, 'rest')) }),
  ];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  let a = '';
  let rest = '';
  for (let number = 0; number < 500; number++) {
    queue.append('a/x.log', `a ${number}\n`);
    queue.append('a/special.log', `special ${number}\n`);
    queue.append('b.log', `rest ${number}\nand more\n`);
    a += `a ${number}\n`;
    rest += `rest ${number}\nand more\n`;
  }
  await waitUntil(
    'both have all',
    () => read(join(folder, 'a')) === a && read(join(folder, 'rest')) === rest,
  );
  await waitUntil('all is acknowledged', () => {
    return queue.pending('plugin a/**').batches === 0 && queue.pending('plugin **').batches === 0;
  });
  const [first, second] = queue.lanes.status();
  assert.deepEqual(first?.fed, { records: 500, bytes: a.length });
  assert.deepEqual(second?.fed, { records: 1000, bytes: rest.length });
  assert.equal(first.dropped.batches + second.dropped.batches, 0);
  assert.equal(first.processes[0]?.state, 'running');
});

void test('one that does not read stops itself only, drops what is too much, and counts it', async (t) => {
  const folder = temporaryFolder(t);
  const bufferBytes = 256 * 1024;
  const rules = [
    ruleOf({ path: 'a.log', plugin: ['sleep', '1000'], pluginBufferBytes: bufferBytes }),
    ruleOf({ path: 'b.log', plugin: reader(join(folder, 'b')) }),
  ];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  const line = `${'x'.repeat(999)}\n`;
  let b = '';
  for (let number = 0; number < 2000; number++) {
    queue.append('a.log', line);
    if (number % 2 === 0) {
      queue.append('b.log', `${number}\n`);
      b += `${number}\n`;
    }
    // The worker and the forwarder are two processes in truth.
    if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await waitUntil('the other has all', () => read(join(folder, 'b')) === b);
  await waitUntil('it is cut to its buffer', () => queue.pending('plugin a.log').bytes < 2.5 * bufferBytes);
  await waitUntil('what is for others is acknowledged', () => {
    return queue.pending('plugin a.log').batches < 1000;
  });
  const dropped = queue.lanes.status()[0]?.dropped;
  assert.ok(dropped !== undefined && dropped.records > 500, `${dropped?.records} were dropped`);
  assert.ok(
    queue.log.some((text) => /warn: plugin sleep \(a\.log\) does not keep up: \d+ records/.test(text)),
  );
  assert.equal(queue.drain.statistics().lost['plugin_behind']?.records, dropped.records);
});

void test('what comes for others just before it is looked how far one is behind costs it nothing', async (t) => {
  const folder = temporaryFolder(t);
  const rules = [
    ruleOf({ path: 'a.log', plugin: ['sleep', '1000'], pluginBufferBytes: 512 * 1024 }),
    ruleOf({ path: '**' }),
  ];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  const line = `${'x'.repeat(999)}\n`;
  let limits = 0;
  queue.beforeLimit = () => {
    limits++;
    if (limits <= 3) for (let number = 0; number < 1000; number++) queue.append('b.log', line);
  };
  // The pipe takes a part of them, and the rest is less than the buffer.
  for (let number = 0; number < 400; number++) queue.append('a.log', line);
  await waitUntil('it was looked at some times', () => limits > 6);
  assert.deepEqual(queue.lanes.status()[0]?.dropped, { batches: 0, records: 0, bytes: 0 });
  await waitUntil('what is for others is acknowledged', () => queue.pending('plugin a.log').batches <= 400);
});

void test('one that reads again goes on with what was kept, in order', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'out');
  const rules = [
    ruleOf({
      path: '**',
      plugin: ['sh', '-c', `while [ ! -e ${folder}/go ]; do sleep 0.02; done; cat > ${file}`],
      pluginBufferBytes: 512 * 1024,
    }),
  ];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  const line = (number: number) => `${number} ${'x'.repeat(990)}\n`;
  for (let number = 0; number < 3000; number++) queue.append('a.log', line(number));
  await waitUntil('it is behind', () => (queue.lanes.status()[0]?.dropped.records ?? 0) > 1000);
  writeFileSync(join(folder, 'go'), '');
  await waitUntil('all was given', () => queue.pending('plugin **').batches === 0);
  await queue.lanes.stop(STOP_MS);
  const numbers = read(file)
    .trimEnd()
    .split('\n')
    .map((text) => parseInt(text, 10));
  const dropped = queue.lanes.status()[0]?.dropped.records ?? 0;
  assert.equal(numbers.length + dropped, 3000, `${numbers.length} came, ${dropped} were dropped`);
  assert.deepEqual(
    numbers,
    [...numbers].sort((x, y) => x - y),
  );
  assert.equal(numbers.at(-1), 2999);
});

void test('when the forwarder is killed, what the pipe had not taken is given to the next plugin', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'out');
  const rules = [ruleOf({ path: '**', plugin: ['sh', '-c', `kill -STOP $$; cat >> ${file}`] })];
  const first = await PluginQueue.open(t, join(folder, 'queue'), rules);
  for (let number = 0; number < 2000; number++) first.append('a.log', `${number} ${'x'.repeat(200)}\n`);
  await waitUntil('the pipe is full', () => (first.lanes.status()[0]?.fed.records ?? 0) > 100);
  const second = await first.killForwarder(t);
  const pid = () => second.lanes.status()[0]?.processes[0]?.pid;
  await waitUntil('it stands still', () => {
    const found = pid();
    return found !== undefined && /\) T/.test(read(`/proc/${found}/stat`));
  });
  process.kill(pid() ?? 0, 'SIGCONT');
  await waitUntil('it has the rest', () => read(file).includes('\n1999 '));
  const numbers = read(file)
    .trimEnd()
    .split('\n')
    .map((text) => parseInt(text, 10));
  // The first plugin was killed with what its pipe had taken; whatever it had not, the second one got.
  assert.ok((numbers[0] ?? 2000) < 2000 - numbers.length + 1);
  assert.equal(numbers.length, 2000 - (numbers[0] ?? 0), 'nothing is missing and nothing came twice');
});

void test('lines of two streams do not run together, and binary data is given as it is', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'out');
  const queue = await PluginQueue.open(t, join(folder, 'queue'), [
    ruleOf({ path: '**', plugin: reader(file) }),
  ]);
  queue.append('a.log', 'one ', BatchFlag.ENDS_OPEN, 1);
  queue.append('a.log', 'line\nopen', BatchFlag.ENDS_OPEN, 1);
  queue.append('b.log', 'other\n', 0, 2);
  queue.append('b.bin', 'a\nb', BatchFlag.BINARY, 3);
  queue.append('b.bin', 'c', BatchFlag.BINARY, 3);
  await waitUntil('all is there', () => read(file) === 'one line\nopen\nother\na\nbc');
});

void test('with a directory, each path has its process and its file', async (t) => {
  const folder = temporaryFolder(t);
  const rules = [ruleOf({ path: 'log/**', plugin: ['cat'], pluginStdout: `${folder}/out/` })];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  for (let number = 0; number < 100; number++) queue.append(`log/deep/${number % 10}.log`, `${number}\n`);
  queue.append('log/ö.log', 'ö\n');
  const all = () =>
    Array.from({ length: 10 }, (_, file) => read(`${folder}/out/deep/${file}.log`).split('\n').length - 1);
  await waitUntil('all is there', () => all().every((count) => count === 10));
  await waitUntil('so is the other', () => read(`${folder}/out/ö.log`) === 'ö\n');
  assert.equal(queue.lanes.status()[0]?.processes.length, 11);
});

void test('with a directory, a path whose process stalls loses its own lines only', async (t) => {
  const folder = temporaryFolder(t);
  const stallsAtOne = 'read first; case $first in stall*) sleep 1000;; *) echo "$first"; exec cat;; esac';
  const rules = [
    ruleOf({
      path: '**',
      plugin: ['sh', '-c', stallsAtOne],
      pluginStdout: `${folder}/out/`,
      pluginBufferBytes: 512 * 1024,
    }),
  ];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  let good = '';
  for (let number = 0; number < 3000; number++) {
    queue.append('bad', `stall ${'x'.repeat(1000)}\n`, 0, 1);
    queue.append('good', `${number} ${'y'.repeat(500)}\n`, 0, 2);
    good += `${number} ${'y'.repeat(500)}\n`;
    if (number % 100 === 99)
      await waitUntil('the other path has all', () => read(`${folder}/out/good`) === good);
  }
  await waitUntil(
    'the one is cut to its buffer',
    () => queue.pending('plugin **').bytes < 512 * 1024 + 256 * 1024,
  );
  const dropped = queue.lanes.status()[0]?.dropped;
  assert.ok(dropped !== undefined && dropped.records > 1500 && dropped.records < 3000);
});

void test('there are never too many processes, and all paths get their lines', async (t) => {
  const folder = temporaryFolder(t);
  const rules = [ruleOf({ path: '**', plugin: ['cat'], pluginStdout: `${folder}/out/` })];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  const paths = 70;
  for (let number = 0; number < paths * 2; number++) queue.append(`${number % paths}.log`, `${number}\n`);
  await waitUntil('all is there', () =>
    Array.from({ length: paths }, (_, file) => read(`${folder}/out/${file}.log`)).every(
      (text, file) => text === `${file}\n${file + paths}\n`,
    ),
  );
  assert.ok((queue.lanes.status()[0]?.processes.length ?? 0) <= 64);
});

void test('what is for plugins alone waits for no server, and what is for servers waits', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'out');
  const rules = [ruleOf({ path: 'local/**', send: 'no', plugin: reader(file) })];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules, ['any']);
  for (let number = 0; number < 10; number++) queue.append('local/a', `${number}\n`, BatchFlag.LOCAL);
  queue.append('sent', 'for the server\n');
  queue.append('local/a', '10\n', BatchFlag.LOCAL);
  await waitUntil('the plugin has all', () => read(file).split('\n').length === 12);
  await waitUntil('it is acknowledged', () => queue.pending('plugin local/**').batches === 0);
  assert.equal(queue.pending('any').batches, 2);
});

void test('a batch that is damaged is passed over', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'out');
  const queue = await PluginQueue.open(t, join(folder, 'queue'), [
    ruleOf({ path: '**', plugin: reader(file) }),
  ]);
  queue.append('a.log', 'one\n');
  queue.appendDamaged('a.log', 'two\n');
  queue.append('a.log', 'three\n');
  await waitUntil('the others are there', () => read(file) === 'one\nthree\n');
  assert.equal(queue.lanes.status()[0]?.damaged, 1);
  assert.ok(queue.log.some((text) => text.includes('is damaged in the queue and no plugin gets it')));
});

void test('at the end of the mount, plugins get what is in the queue, and then the end of their input', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'out');
  const rules = [
    ruleOf({ path: '**', plugin: ['sh', '-c', `sleep 0.5; cat > ${file}; echo end >> ${file}`] }),
  ];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  let text = '';
  for (let number = 0; number < 1000; number++) {
    queue.append('a.log', `${number} ${'x'.repeat(200)}\n`);
    text += `${number} ${'x'.repeat(200)}\n`;
  }
  await queue.lanes.stop(STOP_MS);
  assert.equal(read(file), `${text}end\n`);
  assert.equal(queue.pending('plugin **').batches, 0);
});

void test('a plugin that never reads does not keep the mount from ending', async (t) => {
  const folder = temporaryFolder(t);
  const rules = [ruleOf({ path: '**', plugin: ['sh', '-c', "trap '' TERM; while :; do sleep 1; done"] })];
  const queue = await PluginQueue.open(t, join(folder, 'queue'), rules);
  for (let number = 0; number < 1000; number++) queue.append('a.log', `${'x'.repeat(200)}\n`);
  await waitUntil('the pipe is full', () => (queue.lanes.status()[0]?.fed.records ?? 0) > 100);
  // It would never end by itself.
  await queue.lanes.stop(1000);
  assert.ok(queue.pending('plugin **').batches > 0, 'the rest stays in the queue');
});
