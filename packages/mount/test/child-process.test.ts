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
