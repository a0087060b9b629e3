import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { KeptChild, type KeptChildOptions } from '../src/child-process.js';

/** A child that is ended with the test. */
function keep(t: TestContext, program: string, changes: Partial<KeptChildOptions>): KeptChild {
  const child = new KeptChild({
    name: 'child',
    program,
    input: () => '',
    stdio: ['pipe', 'ignore', 'inherit'],
    isIndispensable: true,
    started: () => undefined,
    givenUp: () => undefined,
    warn: () => undefined,
    ...changes,
  });
  t.after(() => child.end(0));
  child.start();
  return child;
}

void test('each process gets the whole input, of any length, and its own variables', async (t) => {
  const folder = temporaryFolder(t);
  const program = join(folder, 'program.mjs');
  const seen = join(folder, 'seen');
  writeFileSync(
    program,
    `import { readFileSync, renameSync, writeFileSync } from 'node:fs';
     const seen = ${JSON.stringify(seen)};
     writeFileSync(seen + '.new', readFileSync(0, 'utf8') + process.env.GIVEN);
     renameSync(seen + '.new', seen);
     setInterval(() => undefined, 1000);`,
  );
  let starts = 0;
  const child = keep(t, program, {
    input: () => `${'x'.repeat(4_000_000)}${(starts += 1)}`,
    environment: { GIVEN: ' with a variable', PATH: 'not this one' },
  });
  const ends = (text: string) => existsSync(seen) && readFileSync(seen, 'utf8').endsWith(text);
  await waitUntil('the first has read', () => ends('x1 with a variable'));
  assert.equal(readFileSync(seen).length, 4_000_000 + '1 with a variable'.length);
  child.replace();
  await waitUntil('the second has read', () => ends('x2 with a variable'));
});

void test('a process that the system does not start is tried again', async (t) => {
  const warnings: string[] = [];
  // Node throws this error instead of reporting it, as it does for want of memory.
  keep(t, '/nowhere.mjs', {
    environment: { TOO_LONG: 'x'.repeat(200_000) },
    warn: (message) => warnings.push(message),
  });
  const failures = () => warnings.filter((message) => message === 'cannot start the child: spawn E2BIG');
  await waitUntil('it is tried three times', () => failures().length >= 3);
  assert.ok(warnings.includes('the child ended with status -1 and is started again'));
});

/** A program that runs `code`. */
function programOf(t: TestContext, code: string): string {
  const program = join(temporaryFolder(t), 'program.mjs');
  writeFileSync(program, code);
  return program;
}

const FOREVER = 'setInterval(() => undefined, 1000);';

void test('one that hangs counts once, however often it is killed before it can die', async (t) => {
  const givenUp: string[] = [];
  let starts = 0;
  const child = keep(t, programOf(t, FOREVER), {
    started: () => {
      starts++;
    },
    givenUp: (reason) => givenUp.push(reason),
  });
  for (let time = 0; time < 10; time++) child.killBroken();
  await waitUntil('the next one is there', () => starts === 2);
  child.killBroken();
  await waitUntil('and the one after it', () => starts === 3);
  assert.deepEqual(givenUp, []);
  child.killBroken();
  await waitUntil('three in a row are enough', () => givenUp.length === 1);
});

void test('its end tells whether the last process has done everything', async (t) => {
  assert.equal(await keep(t, programOf(t, ''), {}).end(60_000), true);
  assert.equal(await keep(t, programOf(t, 'process.exitCode = 3;'), {}).end(60_000), false);
  assert.equal(await keep(t, programOf(t, FOREVER), {}).end(0), false);
  const child = keep(t, programOf(t, ''), { isDone: () => Promise.resolve(true) });
  await waitUntil('it has ended by itself', () => child.pid === undefined);
  assert.equal(await child.end(0), true);
});
