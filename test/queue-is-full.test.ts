import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  startMount,
  startProcess,
  startServer,
  temporaryFolder,
  waitUntil,
  waitUntilDelivered,
  whyNoMounts,
  type Cleanup,
} from '@k2hft/test-harness';

const skip = whyNoMounts() ?? false;
const LINE_BYTES = 1000;
const LINES = 8000;
/** Of max_wait: 1s and the tick that notices it, on a machine that is busy with other things. */
const WAITED_MS_MAX = 60_000;

/** Writes numbered lines one by one until an error; prints how many were taken, the error and how long the last call took. */
const WRITER = `
const fs = require('node:fs');
const fd = fs.openSync(process.argv[1], 'a');
const lines = Number(process.argv[2]);
let taken = 0;
let code = '';
let lastMs = 0;
for (; taken < lines; taken++) {
  const before = performance.now();
  try {
    fs.writeSync(fd, String(taken).padEnd(${LINE_BYTES - 1}, '.') + '\\n');
  } catch (error) {
    code = error.code;
  }
  lastMs = performance.now() - before;
  if (code !== '') break;
}
console.log(JSON.stringify({ taken, code, lastMs }));
`;

async function writeLines(
  cleanup: Cleanup,
  file: string,
  lines = LINES,
): Promise<{ taken: number; code: string; lastMs: number }> {
  const writer = startProcess(cleanup, process.execPath, ['-e', WRITER, file, String(lines)]);
  await writer.ended;
  return JSON.parse(writer.output()) as { taken: number; code: string; lastMs: number };
}

function numbersIn(file: string): number[] {
  const text = readFileSync(file, 'latin1');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number.parseInt(line, 10));
}

async function setUp(t: Cleanup, whenFull: string, maxWait = '1s') {
  const folder = temporaryFolder(t);
  const server = await startServer(t, { folder: join(folder, 'server') });
  server.process.child.kill('SIGSTOP');
  const mount = await startMount(t, {
    folder: join(folder, 'source'),
    urls: [server.url],
    queue: { max_size: '4MiB', when_full: whenFull, max_wait: maxWait },
  });
  return { server, mount, output: join(folder, 'server', 'output', 'app.log') };
}

void test('block: a write waits, then gets ENOSPC; what was taken arrives', { skip }, async (t) => {
  const { server, mount, output } = await setUp(t, 'block');
  const first = await writeLines(t, join(mount.point, 'app.log'));
  assert.equal(first.code, 'ENOSPC');
  assert.ok(first.taken > 1000 && first.taken < 5000, `${first.taken} lines were taken`);
  // Nothing but max_wait would ever end it: the server stands still.
  assert.ok(first.lastMs >= 900 && first.lastMs < WAITED_MS_MAX, `it waited ${first.lastMs} ms`);
  server.process.child.kill('SIGCONT');
  await waitUntilDelivered(mount);
  const second = await writeLines(t, join(mount.point, 'app.log'), 10);
  assert.deepEqual([second.taken, second.code], [10, '']);
  await waitUntilDelivered(mount);
  const expected = [...Array(first.taken).keys(), ...Array(10).keys()];
  assert.deepEqual(numbersIn(output), expected);
});

void test('block: a write that finds room in time is only late', { skip }, async (t) => {
  const { server, mount, output } = await setUp(t, 'block', '1h');
  const writing = writeLines(t, join(mount.point, 'app.log'), 6000);
  const isFull = () => (mount.status().worker as { isFull?: boolean } | undefined)?.isFull === true;
  await waitUntil('a write waits', isFull);
  server.process.child.kill('SIGCONT');
  const done = await writing;
  assert.deepEqual([done.taken, done.code], [6000, '']);
  await waitUntilDelivered(mount);
  assert.deepEqual(numbersIn(output), [...Array(6000).keys()]);
});

void test('drop_newest: writes go on, the newest lines are dropped and counted', { skip }, async (t) => {
  const { server, mount, output } = await setUp(t, 'drop_newest');
  const { taken, code } = await writeLines(t, join(mount.point, 'app.log'));
  assert.deepEqual([taken, code], [LINES, '']);
  server.process.child.kill('SIGCONT');
  await waitUntilDelivered(mount);
  const numbers = numbersIn(output);
  assert.ok(numbers.length < LINES);
  assert.deepEqual(numbers, [...Array(numbers.length).keys()], 'the oldest lines are the ones that are kept');
  const counted = new RegExp(`"records":${LINES - numbers.length}\\b`);
  await waitUntil('they are counted', () => counted.test(JSON.stringify(mount.status())));
});

void test('drop_oldest: writes go on, the oldest lines are dropped and counted', { skip }, async (t) => {
  const { server, mount, output } = await setUp(t, 'drop_oldest');
  const { taken, code } = await writeLines(t, join(mount.point, 'app.log'));
  assert.deepEqual([taken, code], [LINES, '']);
  server.process.child.kill('SIGCONT');
  await waitUntilDelivered(mount);
  const numbers = numbersIn(output);
  assert.ok(numbers.length < LINES && numbers.length > 1000, `${numbers.length} lines arrived`);
  assert.equal(numbers.at(-1), LINES - 1, 'the newest line is kept');
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
    'in order, none twice',
  );
});
