import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { KilledLives, textOf } from './killed-lives.js';

test('at whatever step a server is killed, its plugin gets each line at least once, whole and in order', async (context) => {
  const folder = temporaryFolder(context);
  const fed = join(folder, 'fed');
  mkdirSync(fed);
  // Each process writes a file of its own; in a configuration, $ is written twice.
  const plugin = ['sh', '-c', `exec cat > ${fed}/$$$$`];
  const lives = new KilledLives(context, { folder, output: { fsync: 'always', plugin } }, (sequence) => ({
    path: 'a.log',
    payload: `batch ${sequence}\n`,
  }));
  const parts = () => readdirSync(fed).map((name) => textOf(join(fed, name)));
  const expected = () => lives.expected('a.log');
  const isDone = () =>
    expected()
      .split('\n')
      .every((line) => parts().some((part) => part.includes(`${line}\n`)));
  const killedBefore = await lives.run(isDone, () => {
    for (const part of parts()) assert.ok(expected().includes(part) && isAtLineStart(expected(), part), part);
  });
  assert.ok(isDone());
  assert.equal(textOf(join(folder, 'output', 'a.log')), expected());
  context.diagnostic(`${killedBefore.length} kills, before: ${killedBefore.join(', ')}`);
});

function isAtLineStart(text: string, part: string): boolean {
  return text.startsWith(part) || text.includes(`\n${part}`);
}
