import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { KilledLives, textOf } from './killed-lives.js';
import { startServer } from './server-process.js';

const NAMES = ['lines.log', 'pieces.log'];

test('at whatever step a relay is killed, each line is once and in order in its files and behind it', async (context) => {
  const folder = temporaryFolder(context);
  const end = await startServer(context, { folder: join(folder, 'end') });
  const relay = {
    queue: { dir: join(folder, 'queue'), min_free: '16MiB' },
    servers: { urls: [end.url], linger: '0ms' },
  };
  const settings = { folder, output: { fsync: 'always' }, top: { relay } };
  // One of the files gets whole lines, the other lines in two pieces.
  const lives = new KilledLives(context, settings, (sequence) => {
    const isPiece = sequence % 3 === 0;
    const text = `batch ${sequence}${isPiece && sequence % 2 === 1 ? ', ' : '\n'}`;
    return { path: NAMES[isPiece ? 1 : 0] ?? '', stream: isPiece ? 2 : 1, payload: text };
  });
  const behind = (name: string) => textOf(join(end.outputFolder, name));
  const isDone = () => NAMES.every((name) => behind(name).length >= lives.expected(name).length);
  const killedBefore = await lives.run(isDone, () => {
    for (const name of NAMES)
      assert.ok(lives.expected(name).startsWith(behind(name)), `${name}: ${behind(name)}`);
  });
  for (const name of NAMES) {
    assert.equal(behind(name), lives.expected(name));
    assert.equal(textOf(join(folder, 'output', name)), lives.expected(name));
  }
  context.diagnostic(`${killedBefore.length} kills, before: ${killedBefore.join(', ')}`);
});
