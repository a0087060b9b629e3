import assert from 'node:assert/strict';
import { statfsSync } from 'node:fs';
import { test } from 'node:test';
import { sleep, temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { POSITION_ZERO, type HotQueue } from '../src/index.js';
import { makeBatch } from './helpers/batches.js';
import { openBoth, openDrain, openHot } from './helpers/queues.js';

const MIB = 1024 * 1024;

/** Appends as the mount does, until the queue is full. */
function fill(hot: HotQueue, payloadBytes: number, records = 1): number {
  for (let count = 0; ; count++) {
    if (hot.roomBytes() < payloadBytes + 5000) {
      hot.collect();
      if (hot.roomBytes() < payloadBytes + 5000) return count;
    }
    const sequence = hot.nextSequence();
    hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes, records }) }]);
  }
}

test('without a drain hot grows to its bound, and a dead drain does not change that', (t) => {
  const hot = openHot(temporaryFolder(t), { maxSizeBytes: 20 * MIB });
  undoAtEnd(t, () => {
    hot.close();
  });
  const count = fill(hot, 100_000);
  assert.ok(count > 170 && count <= 205, `${count} batches of 100 kB in 20 MiB`);
  assert.equal(fill(hot, 100_000), 0);
});

test('small batches are bounded as well', (t) => {
  const hot = openHot(temporaryFolder(t), { maxSizeBytes: 4 * MIB });
  undoAtEnd(t, () => {
    hot.close();
  });
  const count = fill(hot, 200);
  assert.ok(count > 9_000 && count < 18_000, `${count} batches of 232 bytes in 4 MiB`);
});

test('acks make room, and so does nothing else', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { settings: { maxSizeBytes: 8 * MIB } });
  const count = fill(hot, 50_000);
  await drain.checkpoint(true);
  assert.ok(fill(hot, 50_000) < count / 3, 'the store counts');
  const found = drain.read('a', POSITION_ZERO, 1e9, 1e6);
  const last = found.at(-1)?.position.sequence ?? 0;
  drain.ack('a', hot.epoch, [[1, last]]);
  await waitUntil('the store is empty', () => drain.statistics().storeFiles === 0);
  assert.ok(fill(hot, 50_000) >= count - 10);
});

test('min_free is kept', (t) => {
  const dir = temporaryFolder(t);
  const { bavail, bsize } = statfsSync(dir);
  const hot = openHot(dir, { minFree: { bytes: bavail * bsize + 100 * MIB } });
  assert.equal(hot.roomBytes(), 0);
  hot.close();
  const percent = openHot(dir, { minFree: { percent: 100 } });
  assert.equal(percent.roomBytes(), 0);
  percent.close();
});

test('drop_oldest drops from hot what only hot has, and counts it', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { settings: { maxSizeBytes: 8 * MIB } });
  const count = fill(hot, 50_000, 3);
  const dropped = hot.dropOldest(500_000);
  assert.ok(dropped.batches >= 10 && dropped.batches <= 12, `${dropped.batches} batches`);
  assert.equal(dropped.records, 3 * dropped.batches);
  assert.ok(hot.roomBytes() >= 500_000);
  drain.noticed();
  assert.equal(drain.floor().sequence, dropped.batches + 1);
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 1e6).length, count - dropped.batches);
  assert.deepEqual(drain.statistics().lost['drop_oldest'], dropped);
  assert.deepEqual(hot.counters().dropped['drop_oldest'], dropped);
});

test('drop_oldest lets the drain drop whole files of the store, and does not wait for a dead one', async (t) => {
  const dir = temporaryFolder(t);
  const settings = { maxSizeBytes: 8 * MIB };
  const hot = openHot(dir, settings);
  const { drain } = await openDrain(dir, { settings });
  const count = fill(hot, 50_000);
  await drain.checkpoint(true);
  while (hot.collect());
  const more = fill(hot, 50_000);
  assert.deepEqual(hot.dropOldest(200_000), { batches: 0, records: 0, bytes: 0 }, 'asked for');
  drain.noticed();
  await waitUntil('the drain has dropped', () => {
    hot.collect();
    return hot.roomBytes() >= 200_000;
  });
  const { lost } = drain.statistics();
  const byDrain = lost['drop_oldest']?.batches ?? 0;
  assert.ok(byDrain > 0);
  assert.equal(drain.floor().sequence, byDrain + 1);
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 1e6).length, count + more - byDrain);
  // Now nobody answers.
  assert.ok(fill(hot, 50_000) > 0);
  await drain.abandon();
  const wanted = hot.roomBytes() + 100_000;
  assert.equal(hot.dropOldest(wanted).batches, 0);
  await sleep(300);
  assert.ok(hot.dropOldest(wanted).batches > 0);
  hot.close();
});

test('expired batches are dropped and counted, in the store and in hot', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), {
    settings: { expireMs: 60_000, checkpointMs: 100 },
  });
  const old = Date.now() - 120_000;
  for (let sequence = 1; sequence <= 10; sequence++)
    hot.append([{ sequence, bytes: makeBatch({ sequence, timeMs: old, records: 2 }) }]);
  await drain.checkpoint(true);
  for (let sequence = 11; sequence <= 15; sequence++)
    hot.append([{ sequence, bytes: makeBatch({ sequence, timeMs: old, records: 2 }) }]);
  hot.append([{ sequence: 16, bytes: makeBatch({ sequence: 16 }) }]);
  await waitUntil('they are dropped', () => drain.floor().sequence === 16);
  assert.deepEqual(drain.statistics().lost['expired'], { batches: 15, records: 30, bytes: 15 * 52 });
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 10).length, 1);
});

test('what was noted as dropped is kept across restarts of the worker', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  hot.noteDropped('drop_newest', 3, 100);
  hot.noteDropped('drop_newest', 1, 10);
  hot.collect();
  hot.close();
  const again = openHot(dir);
  const { drain } = await openDrain(dir);
  assert.deepEqual(again.counters().dropped['drop_newest'], { batches: 0, records: 4, bytes: 110 });
  assert.deepEqual(drain.statistics().lost['drop_newest'], { batches: 0, records: 4, bytes: 110 });
  await drain.close();
  again.close();
});
