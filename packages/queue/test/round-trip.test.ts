import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { POSITION_ZERO } from '../src/index.js';
import { checkBatch, makeBatch } from './helpers/batches.js';
import { openBoth, openDrain, openHot, BOOT } from './helpers/queues.js';

test('what is appended is read in order, and gone once it is acked', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t));
  for (let sequence = 1; sequence <= 100; sequence++)
    hot.append([{ sequence, bytes: makeBatch({ sequence }) }]);
  const found = drain.read('a', POSITION_ZERO, 1e9, 1000);
  assert.deepEqual(
    found.map(({ position }) => position.sequence),
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  for (const { position, bytes } of found) checkBatch(position, bytes);
  drain.ack('a', hot.epoch, [[1, 60]]);
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 1000).length, 40);
  drain.ack('a', hot.epoch, [[61, 100]]);
  assert.deepEqual(drain.floor(), { epoch: hot.epoch, sequence: 101 });
  assert.equal(hot.collect(), true);
  assert.equal(hot.nextSequence(), 101);
});

test('a checkpoint moves batches into the store, and hot lets them go', async (t) => {
  const folder = temporaryFolder(t);
  const { hot, drain } = await openBoth(t, folder);
  for (let sequence = 1; sequence <= 300; sequence++) {
    hot.append([
      { sequence, bytes: makeBatch({ sequence, payloadBytes: sequence % 7 === 0 ? 50_000 : 10 }) },
    ]);
  }
  await drain.checkpoint(true);
  assert.deepEqual(hot.checkpointed(), { epoch: hot.epoch, sequence: 300 });
  while (hot.collect());
  hot.append([{ sequence: 301, bytes: makeBatch({ sequence: 301 }) }]);
  const found = drain.read('a', POSITION_ZERO, 1e9, 1000);
  assert.equal(found.length, 301);
  for (const { position, bytes } of found) checkBatch(position, bytes);
  const { cursors, storeFiles } = drain.statistics();
  assert.equal(cursors['a']?.batches, 301);
  assert.equal(storeFiles, 1);
});

test('after the boot id changed the store is delivered, hot is counted as lost, the epoch is new', async (t) => {
  const folder = temporaryFolder(t);
  const before = openHot(folder);
  const { drain: drainBefore } = await openDrain(folder);
  for (let sequence = 1; sequence <= 20; sequence++)
    before.append([{ sequence, bytes: makeBatch({ sequence }) }]);
  await drainBefore.checkpoint(true);
  for (let sequence = 21; sequence <= 25; sequence++)
    before.append([{ sequence, bytes: makeBatch({ sequence }) }]);
  await drainBefore.abandon();
  before.close();
  const next = BOOT.replace(/1$/, '2');
  const { hot, drain, faults } = await openBoth(t, folder, { bootId: next });
  assert.equal(hot.epoch, before.epoch + 1);
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  const found = drain.read('a', POSITION_ZERO, 1e9, 1000);
  assert.equal(found.length, 21);
  assert.deepEqual(found.at(-1)?.position, { epoch: hot.epoch, sequence: 1 });
  drain.ack('a', before.epoch, [[1, 20]]);
  assert.deepEqual(drain.floor(), { epoch: hot.epoch, sequence: 1 });
  await waitUntil('the lost hot is counted', () => drain.statistics().lost['hot_lost'] !== undefined);
  assert.equal(drain.statistics().lost['hot_lost']?.batches, 5);
  assert.equal(faults[0]?.code, 'hot_lost');
});
