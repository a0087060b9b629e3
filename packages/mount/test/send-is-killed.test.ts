import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listQueue } from '@k2hft/queue';
import {
  liveAndDie,
  MOUNT_COMMAND,
  PlacedKills,
  startProcess,
  startServer,
  temporaryFolder,
} from '@k2hft/test-harness';
import { inspectBatch } from '@k2hft/wire';

const PROGRAM = 'k2hft.js';

/** There are far more than a hundred steps, most of them for the one or other of many megabytes. */
const STRIDE = 11;

/** What is read becomes two transactions, as one takes 8 MiB. */
const LARGE_BYTES = 9 * 1024 * 1024;
const LINE_BYTES = 64 * 1024;

/** Does not end with a line's end: the next call goes on in the middle of a line. */
function linesFrom(first: number, totalBytes: number): string {
  const count = Math.ceil(totalBytes / LINE_BYTES);
  const lines = Array.from({ length: count }, (_, index) => `${first + index} `.padEnd(LINE_BYTES - 1, '.'));
  return lines.join('\n');
}

test('at whatever step k2hft send is killed, the next calls send each line once and in order', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder: join(folder, 'server') });
  const source = join(folder, 'mount');
  mkdirSync(source);
  const queueDir = join(folder, 'queue');
  const configuration = {
    mount: { mode: 'virtual', point: source },
    queue: { dir: queueDir, min_free: '16MiB' },
    servers: { urls: [server.url], linger: '0ms' },
  };
  const file = join(folder, 'send.json');
  writeFileSync(file, JSON.stringify(configuration));
  const kills = new PlacedKills(join(folder, 'kills'));
  const inFile = (name: string) => join(source, name);
  const arrived = (name: string) => join(folder, 'server/output', name);
  const sizeOf = (path: string) => (existsSync(path) ? statSync(path).size : 0);
  let lives = 0;

  const killedBefore = await liveAndDie({
    stride: STRIDE,
    stepsMin: 60,
    live: async (step) => {
      // There is always so much to be read, and never much more.
      appendFileSync(inFile('small.log'), `life ${++lives}\n`);
      if (sizeOf(inFile('large.log')) - sizeOf(arrived('large.log')) < LARGE_BYTES)
        appendFileSync(inFile('large.log'), linesFrom(lives * 1000, LARGE_BYTES));
      kills.arm(PROGRAM, step);
      const sending = startProcess(context, process.execPath, [MOUNT_COMMAND, 'send', '-c', file, source], {
        env: { ...process.env, ...kills.environment },
      });
      const status = await sending.ended;
      kills.disarm(PROGRAM);
      const what = kills.killedBefore(PROGRAM);
      assert.equal(status, what === undefined ? 0 : 'SIGKILL', sending.output());
      return what;
    },
  });

  for (const name of ['large.log', 'small.log'])
    assert.ok(readFileSync(arrived(name)).equals(readFileSync(inFile(name))), `${name} has arrived as it is`);
  const { store, lost } = listQueue(join(queueDir, 'send'), inspectBatch);
  assert.deepEqual([store.batches, lost], [0, {}]);
  assert.deepEqual(readdirSync(queueDir), ['send']);
  context.diagnostic(`${killedBefore.length} kills, before: ${killedBefore.join(', ')}`);
});
