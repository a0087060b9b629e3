import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { POSITION_ZERO, type HotQueue } from '../src/index.js';
import { makeBatch } from './helpers/batches.js';
import { openBoth, openDrain, openHot } from './helpers/queues.js';

function append(hot: HotQueue, count: number, payloadBytes = 968): void {
  for (; count > 0; count--) {
    const sequence = hot.nextSequence();
    hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes, records: 2 }) }]);
  }
}

test('a cursor that is behind gives up its oldest batches, the others keep them', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { cursors: ['any', 'plugin x'] });
  append(hot, 300);
  await drain.checkpoint(true);
  append(hot, 200);
  assert.deepEqual(drain.limitCursor('plugin x', 500_000), { batches: 0, records: 0, bytes: 0 });
  const given = drain.limitCursor('plugin x', 100_000);
  assert.deepEqual(given, { batches: 400, records: 800, bytes: 400_000 });
  assert.deepEqual(drain.statistics().lost, { plugin_behind: given });
  assert.equal(drain.statistics().cursors['plugin x']?.bytes, 100_000);
  assert.equal(drain.read('plugin x', POSITION_ZERO, 1e9, 1e6)[0]?.position.sequence, 401);
  assert.equal(drain.read('any', POSITION_ZERO, 1e9, 1e6).length, 500);
  drain.ack('any', hot.epoch, [[1, 500]]);
  assert.equal(drain.floor().sequence, 401);
});

test('what is behind a position counts as little as if it were not there', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { cursors: ['any', 'plugin x'] });
  append(hot, 300);
  await drain.checkpoint(true);
  append(hot, 200);
  const { epoch } = hot;
  for (const [sequence, bytes] of [
    [200, 200_000],
    [300, 300_000],
    [400, 400_000],
    [900, 500_000],
  ] as const)
    assert.equal(drain.pendingBytes('plugin x', { epoch, sequence }), bytes);
  const upTo = (sequence: number) =>
    drain.limitCursor('plugin x', 100_000, POSITION_ZERO, { epoch, sequence });
  assert.equal(upTo(100).batches, 0);
  assert.equal(upTo(250).batches, 150);
  assert.equal(upTo(400).batches, 150);
  assert.equal(drain.read('plugin x', POSITION_ZERO, 1e9, 1e6)[0]?.position.sequence, 301);
});

test('what a reader has in hand is not given up', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { cursors: ['any', 'plugin x'] });
  append(hot, 100);
  const last = drain.read('plugin x', POSITION_ZERO, 1e9, 10).at(-1)?.position ?? POSITION_ZERO;
  assert.equal(drain.limitCursor('plugin x', 0, last).batches, 90);
  assert.equal(drain.floor('plugin x').sequence, 1);
});

test('a plugin that is new gets what is written from this mount on, and keeps its place when killed', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  const first = (await openDrain(dir, { cursors: ['any'] })).drain;
  append(hot, 10);
  await first.checkpoint(true);
  await first.close();
  append(hot, 5);
  const cursors = ['any', 'plugin x'];
  const second = (await openDrain(dir, { cursors })).drain;
  append(hot, 5);
  assert.equal(second.read('any', POSITION_ZERO, 1e9, 100).length, 20);
  assert.equal(second.read('plugin x', POSITION_ZERO, 1e9, 100)[0]?.position.sequence, 11);
  await second.checkpoint(true);
  await second.abandon();
  const third = (await openDrain(dir, { cursors })).drain;
  assert.equal(third.read('plugin x', POSITION_ZERO, 1e9, 100)[0]?.position.sequence, 11);
  await third.close();
  hot.close();
});

test('in a queue that is new a plugin gets everything', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  append(hot, 3);
  const { drain } = await openDrain(dir, { cursors: ['plugin x'] });
  assert.equal(drain.read('plugin x', POSITION_ZERO, 1e9, 100).length, 3);
  await drain.close();
  hot.close();
});

test('a cursor that is not named any more holds nothing', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  const first = (await openDrain(dir, { cursors: ['any', 'plugin x'] })).drain;
  append(hot, 10);
  first.ack('any', hot.epoch, [[1, 10]]);
  await first.checkpoint(true);
  await first.close();
  const { drain } = await openDrain(dir, { cursors: ['any'] });
  assert.equal(drain.floor().sequence, 11);
  await waitUntil('its file is gone', () => drain.statistics().storeFiles === 0);
  await drain.close();
  hot.close();
});

test('without a destination nothing is kept', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), {
    cursors: [],
    settings: { checkpointMs: 80, maxSizeBytes: 8 * 1024 * 1024 },
  });
  for (let round = 1; round <= 20; round++) {
    append(hot, 1, 1_000_000);
    drain.noticed();
    while (hot.collect());
  }
  assert.deepEqual(drain.floor(), { epoch: hot.epoch, sequence: 21 });
  assert.deepEqual(drain.statistics().lost, {});
  const ticket = hot.requestCheckpoint({ epoch: hot.epoch, sequence: 20 });
  await waitUntil('fsync is answered', () => hot.isDurable(ticket));
});
