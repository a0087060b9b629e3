import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { POSITION_ZERO } from '../src/index.js';
import { RENEW_FILE_BYTES, RENEW_USED_BYTES_MAX } from '../src/limits.js';
import { checkBatch, makeBatch } from './helpers/batches.js';
import { openBoth, openDrain, openHot } from './helpers/queues.js';

test('a read stops at its bounds, gives at least one batch, and lays them back to back', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t));
  for (let sequence = 1; sequence <= 50; sequence++)
    hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: 968 }) }]);
  assert.equal(drain.read('a', POSITION_ZERO, 10, 100).length, 1);
  assert.equal(drain.read('a', POSITION_ZERO, 5000, 100).length, 5);
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 7).length, 7);
  const found = drain.read('a', POSITION_ZERO, 1e9, 100);
  for (const [index, { bytes }] of found.entries()) {
    const before = found[index - 1]?.bytes;
    if (before?.buffer === bytes.buffer) assert.equal(before.byteOffset + before.length, bytes.byteOffset);
  }
  const last = found.at(-1)?.position ?? POSITION_ZERO;
  assert.equal(drain.hasNew(last), false);
  hot.append([{ sequence: 51, bytes: makeBatch({ sequence: 51 }) }]);
  assert.equal(drain.hasNew(last), true);
  assert.equal(drain.read('a', last, 1e9, 100).length, 1);
});

test('what was never appended cannot be acked', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t));
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  drain.ack('a', hot.epoch, [[-5, 1000]]);
  drain.ack('a', hot.epoch + 1, [[1, 1000]]);
  drain.ack('nobody', hot.epoch, [[1, 1]]);
  assert.deepEqual(drain.floor(), { epoch: hot.epoch, sequence: 2 });
});

test('cursors come and go: a new one gets what is still there', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { cursors: ['a', 'b'] });
  for (let sequence = 1; sequence <= 10; sequence++)
    hot.append([{ sequence, bytes: makeBatch({ sequence }) }]);
  drain.ack('a', hot.epoch, [[1, 8]]);
  drain.ack('b', hot.epoch, [
    [1, 2],
    [5, 6],
  ]);
  assert.equal(drain.floor().sequence, 3);
  drain.addCursor('c');
  assert.deepEqual(
    drain.read('c', POSITION_ZERO, 1e9, 100).map(({ position }) => position.sequence),
    [3, 4, 7, 8, 9, 10],
  );
  drain.removeCursor('c');
  drain.removeCursor('b');
  assert.equal(drain.floor().sequence, 9);
});

test('a new cursor of a plugin begins behind what is there', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { cursors: ['a'] });
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  drain.addCursor('plugin *.log');
  hot.append([{ sequence: 2, bytes: makeBatch({ sequence: 2 }) }]);
  assert.deepEqual(
    drain.read('plugin *.log', POSITION_ZERO, 1e9, 100).map(({ position }) => position.sequence),
    [2],
  );
  drain.addCursor('plugin *.log');
  assert.equal(drain.read('plugin *.log', POSITION_ZERO, 1e9, 100).length, 1);
});

test('limits change while the queue is open', async (t) => {
  const directory = temporaryFolder(t);
  const { hot, drain } = await openBoth(t, directory, { settings: { checkpointMs: 60_000 } });
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  await drain.update({
    maxSizeBytes: 1024 ** 4,
    minFree: { bytes: 0 },
    checkpointMs: 20,
    expireMs: 0,
  });
  hot.append([{ sequence: 2, bytes: makeBatch({ sequence: 2 }) }]);
  await waitUntil('they are in the store', () => drain.statistics().checkpointed.sequence === 2);
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 100).length, 2);
});

test('the drain tells a worker that does not look for it, and the worker deletes as it appends', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t));
  const append = (count: number): void => {
    for (; count > 0; count--) {
      const sequence = hot.nextSequence();
      hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: 20_000 }) }]);
    }
  };
  append(200);
  const { hotBytes } = drain.statistics();
  drain.ack('a', hot.epoch, [[1, 200]]);
  append(120);
  assert.ok(drain.statistics().hotBytes < hotBytes);
});

test('what stays longer than the checkpoint goes to the store by itself, what is acked does not', async (t) => {
  const { hot, drain } = await openBoth(t, temporaryFolder(t), { settings: { checkpointMs: 100 } });
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  drain.ack('a', hot.epoch, [[1, 1]]);
  hot.append([{ sequence: 2, bytes: makeBatch({ sequence: 2 }) }]);
  await waitUntil('it is in the store', () => hot.checkpointed().sequence === 2);
  assert.equal(drain.statistics().cursors['a']?.batches, 1);
  drain.ack('a', hot.epoch, [[2, 2]]);
  await waitUntil('the file is unlinked', () => drain.statistics().storeFiles === 0);
});

test('a hot over which workers die is set aside, counted, and begun anew in the next epoch', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  for (let sequence = 1; sequence <= 20; sequence++) {
    hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: 9000 }) }]);
  }
  hot.close();
  writeFileSync(join(dir, 'hot', 'opening'), 'xxxx');
  openHot(dir).close();
  assert.equal(existsSync(join(dir, 'hot', 'opening')), false, 'it could be opened: all is forgotten');
  writeFileSync(join(dir, 'hot', 'opening'), 'xxxxx');
  const { hot: next, drain, faults } = await openBoth(t, dir);
  assert.equal(next.epoch, hot.epoch + 1);
  await waitUntil('it is counted', () => faults.length > 0);
  assert.match(faults[0]?.message ?? '', /with 20 batches/);
  next.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 10).length, 1);
  assert.deepEqual(drain.floor(), { epoch: next.epoch, sequence: 1 });
});

test('garbage instead of a database is damage, not a crash', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  const { drain } = await openDrain(dir);
  await drain.checkpoint(true);
  await drain.close();
  hot.close();
  writeFileSync(join(dir, 'hot', 'data.mdb'), Buffer.alloc(40_000, 7));
  writeFileSync(join(dir, 'store', '00000001.mdb'), Buffer.alloc(40_000, 7));
  const { hot: next, faults } = await openBoth(t, dir);
  assert.equal(next.epoch, hot.epoch + 1);
  assert.equal(faults[0]?.code, 'damaged');
  assert.ok(existsSync(join(dir, 'store', '00000001.mdb.damaged')));
});

test('a hot that is replaced while the drain looks at it is saved first, then the new one is adopted', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  const { drain } = await openDrain(dir);
  for (let sequence = 1; sequence <= 20; sequence++)
    hot.append([{ sequence, bytes: makeBatch({ sequence }) }]);
  drain.ack('a', hot.epoch, [[1, 5]]);
  hot.close();
  writeFileSync(join(dir, 'hot', 'damaged'), '');
  const next = openHot(dir);
  next.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  await waitUntil('the new hot is adopted', () => drain.epoch() === next.epoch);
  const found = drain.read('a', POSITION_ZERO, 1e9, 100);
  for (const { position, bytes } of found) checkBatch(position, bytes);
  assert.ok(found.length >= 1);
  assert.deepEqual(found.at(-1)?.position, { epoch: next.epoch, sequence: 1 });
  await waitUntil(
    'the old one is counted',
    () => !readdirSync(dir).some((name) => name.startsWith('hot.lost')),
  );
  await drain.close();
  next.close();
});

test('the worker may come after the drain, and a store file of which nothing is known is passed over', async (t) => {
  const dir = temporaryFolder(t);
  const { drain } = await openDrain(dir);
  assert.equal(drain.epoch(), 0);
  assert.deepEqual(drain.read('a', POSITION_ZERO, 1e9, 10), []);
  const hot = openHot(dir);
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  drain.noticed();
  await waitUntil('the drain sees the batch', () => drain.hasNew(POSITION_ZERO));
  await drain.checkpoint(true);
  await drain.close();
  writeFileSync(join(dir, 'store', '00000009.mdb'), '');
  const { drain: again } = await openDrain(dir);
  assert.equal(again.read('a', POSITION_ZERO, 1e9, 10).length, 1);
  assert.equal(existsSync(join(dir, 'store', '00000009.mdb')), false);
  await again.close();
  hot.close();
});

test('a hot that was full once is copied into a small file, and nobody notices', async (t) => {
  const dir = temporaryFolder(t);
  const { hot, drain } = await openBoth(t, dir, { settings: { maxSizeBytes: 1024 * 1024 * 1024 } });
  const dataFile = join(dir, 'hot', 'data.mdb');
  hot.putRows(new Map([['h1', Buffer.from('row')]]));
  const bytes = (sequence: number) => makeBatch({ sequence, payloadBytes: 1_000_000 });
  for (let sequence = 1; sequence <= 210; sequence++) hot.append([{ sequence, bytes: bytes(sequence) }]);
  const before = statSync(dataFile).size;
  drain.ack('a', hot.epoch, [[1, 209]]);
  while (hot.collect());
  // It is copied as soon as little is left: how little is a matter of how much was deleted at one go.
  assert.ok(before > RENEW_FILE_BYTES);
  assert.ok(statSync(dataFile).size < RENEW_USED_BYTES_MAX + 1024 * 1024);
  assert.equal(hot.row('h1')?.toString(), 'row');
  assert.equal(hot.nextSequence(), 211);
  hot.append([{ sequence: 211, bytes: bytes(211) }]);
  const found = drain.read('a', POSITION_ZERO, 1e9, 100);
  assert.deepEqual(
    found.map(({ position }) => position.sequence),
    [210, 211],
  );
  for (const { position, bytes: copy } of found) checkBatch(position, copy);
  await waitUntil(
    'the old file is removed',
    () => !readdirSync(dir).some((name) => name.startsWith('hot.old')),
  );
  assert.deepEqual(drain.statistics().lost, {});
});

test('a worker that was killed while it gave the copy its name finds it', (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  hot.append([{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }]);
  hot.close();
  renameSync(join(dir, 'hot'), join(dir, 'hot.next'));
  const again = openHot(dir);
  assert.equal(again.epoch, hot.epoch);
  assert.equal(again.nextSequence(), 2);
  again.close();
});
