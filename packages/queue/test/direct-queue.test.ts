import assert from 'node:assert/strict';
import { cpSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import {
  DirectQueue,
  dropQueue,
  listQueue,
  POSITION_ZERO,
  QueueError,
  type QueueOptions,
} from '../src/index.js';
import { checkBatch, inspect, makeBatch } from './helpers/batches.js';
import { appendSome, openDirect, sequencesOf } from './helpers/direct.js';

const MIB = 1024 * 1024;

async function opened(
  t: TestContext,
  dir: string,
  settings: Partial<QueueOptions> = {},
  cursors = ['a'],
): Promise<DirectQueue> {
  const { queue } = await openDirect(dir, { settings, cursors });
  undoAtEnd(t, () => queue.close());
  return queue;
}

test('what is appended is read, acked, and forgotten; rows stay', async (t) => {
  const queue = await opened(t, temporaryFolder(t));
  assert.equal(queue.hasNew(POSITION_ZERO), false);
  await appendSome(queue, 3, new Map([['x', Buffer.from('3')]]));
  assert.equal(queue.hasNew(POSITION_ZERO), true);
  const found = queue.read('a', POSITION_ZERO, 1e9, 100);
  for (const { position, bytes } of found) checkBatch(position, bytes);
  assert.deepEqual(sequencesOf(found), [1, 2, 3]);
  queue.ack('a', queue.epoch(), [[1, 100]]);
  assert.deepEqual(queue.floor('a'), { epoch: queue.epoch(), sequence: 4 });
  assert.deepEqual(queue.read('a', POSITION_ZERO, 1e9, 100), []);
  assert.equal(queue.ledger().get('x')?.toString(), '3');
  await queue.forget(['x', 'never there']);
  assert.equal(queue.ledger().size, 0);
});

test('each opening begins an epoch, and what waited comes first', async (t) => {
  const dir = temporaryFolder(t);
  const first = (await openDirect(dir)).queue;
  await appendSome(first, 2, new Map([['x', Buffer.from('a')]]));
  await first.close();
  const second = await opened(t, dir);
  assert.equal(second.epoch(), first.epoch() + 1);
  assert.equal(second.nextSequence(), 1);
  assert.equal(second.ledger().get('x')?.toString(), 'a');
  await appendSome(second, 1);
  const found = second.read('a', POSITION_ZERO, 1e9, 100);
  assert.deepEqual(
    found.map(({ position }) => position),
    [
      { epoch: first.epoch(), sequence: 1 },
      { epoch: first.epoch(), sequence: 2 },
      { epoch: second.epoch(), sequence: 1 },
    ],
  );
  for (const { position } of found) second.ack('a', position.epoch, [[position.sequence, position.sequence]]);
  assert.deepEqual(second.floor(), { epoch: second.epoch(), sequence: 2 });
});

test('files go when they are delivered, the newest is replaced, and the ledger outlives them all', async (t) => {
  const dir = temporaryFolder(t);
  const queue = await opened(t, dir, { maxSizeBytes: 64 * MIB });
  for (let round = 1; round <= 60; round++) {
    await appendSome(queue, 4, new Map([[`row ${round}`, Buffer.from(`${round}`)]]), 50_000);
    queue.ack('a', queue.epoch(), [[1, 4 * round]]);
  }
  await waitUntil('only the newest file is left', () => queue.statistics().storeFiles === 1);
  assert.ok(queue.statistics().storeBytes < 2.5 * MIB, `${queue.statistics().storeBytes} bytes`);
  await queue.abandon();
  const again = await opened(t, dir, { maxSizeBytes: 64 * MIB });
  assert.equal(again.ledger().size, 60);
  assert.deepEqual(again.statistics().lost, {});
});

test('it refuses what does not fit, and takes it when there is room', async (t) => {
  const queue = await opened(t, temporaryFolder(t), { maxSizeBytes: 8 * MIB });
  let count = 0;
  const full = (error: unknown) => error instanceof QueueError && error.code === 'no_space';
  for (;;) {
    try {
      await appendSome(queue, 1, new Map([['count', Buffer.from(`${count + 1}`)]]), 100_000);
      count++;
    } catch (error) {
      assert.ok(full(error), String(error));
      break;
    }
  }
  assert.ok(count > 60 && count < 84, `${count} batches of 100 kB in 8 MiB`);
  assert.equal(queue.ledger().get('count')?.toString(), `${count}`);
  assert.equal(queue.nextSequence(), count + 1);
  assert.ok(queue.roomBytes() < 105_000);
  queue.ack('a', queue.epoch(), [[1, count]]);
  await waitUntil('there is room', () => queue.roomBytes() > 7 * MIB);
  await appendSome(queue, 5, new Map(), MIB);
  assert.equal(queue.read('a', POSITION_ZERO, 1e9, 100).length, 5);
});

test('drop_oldest gives up whole files and counts what was in them', async (t) => {
  const queue = await opened(t, temporaryFolder(t), { maxSizeBytes: 8 * MIB });
  for (let round = 0; round < 14; round++) await appendSome(queue, 5, new Map(), 100_000);
  await assert.rejects(appendSome(queue, 20, new Map(), 100_000), /full/);
  const dropped = queue.dropOldest(2_100_000);
  assert.ok(dropped.batches >= 5 && dropped.batches <= 30, `${dropped.batches} batches`);
  assert.ok(queue.roomBytes() >= 2_100_000);
  assert.deepEqual(queue.statistics().lost['drop_oldest'], dropped);
  assert.equal(queue.floor().sequence, dropped.batches + 1);
  await appendSome(queue, 20, new Map(), 100_000);
  assert.equal(queue.read('a', POSITION_ZERO, 1e9, 1000).length, 90 - dropped.batches);
});

test('min_free is kept', async (t) => {
  const dir = temporaryFolder(t);
  const { bavail, bsize } = statfsSync(dir);
  const queue = await opened(t, dir, { minFree: { bytes: bavail * bsize + 100 * MIB } });
  assert.equal(queue.roomBytes(), 0);
  await assert.rejects(appendSome(queue, 1), /full/);
});

test('what is too old is given up', async (t) => {
  const queue = await opened(t, temporaryFolder(t), { expireMs: 60_000 });
  const old = makeBatch({ sequence: 1, timeMs: Date.now() - 120_000 });
  await queue.append([{ sequence: 1, bytes: old }], new Map());
  await appendSome(queue, 1);
  await waitUntil('it is given up', () => queue.floor().sequence === 2);
  assert.equal(queue.statistics().lost['expired']?.batches, 1);
});

test('an append that had failed and was on the disk all the same is void once another took its place', async (t) => {
  const dir = temporaryFolder(t);
  const first = (await openDirect(dir)).queue;
  await appendSome(first, 2, new Map([['x', Buffer.from('2')]]));
  // As after an append of which nobody heard: the file holds 3 to 5, and the process knows of 2.
  const before = join(temporaryFolder(t), 'state');
  cpSync(join(dir, 'state'), before, { recursive: true });
  await appendSome(first, 3, new Map([['x', Buffer.from('failed')]]));
  const [file = ''] = readdirSync(join(dir, 'store')).filter((name) => name.endsWith('.mdb'));
  const withFailed = join(temporaryFolder(t), file);
  cpSync(join(dir, 'store', file), withFailed);
  await first.abandon();

  // The same beginning, with another append in place of the failed one, in a file of its own.
  const other = temporaryFolder(t);
  const second = (await openDirect(other, { settings: { maxSizeBytes: 64 * MIB } })).queue;
  await appendSome(second, 2, new Map([['x', Buffer.from('2')]]), 800_000);
  await appendSome(second, 1, new Map([['x', Buffer.from('again')]]), 100);
  await second.abandon();
  assert.deepEqual(
    readdirSync(join(other, 'store')).filter((name) => name.endsWith('.mdb')),
    ['00000001.mdb', '00000002.mdb'],
  );
  cpSync(withFailed, join(other, 'store', '00000001.mdb'));

  const listed = listQueue(other, inspect);
  assert.equal(listed.store.batches, 3, 'ls leaves it out as well');
  const queue = await opened(t, other);
  assert.equal(queue.ledger().get('x')?.toString(), 'again');
  const found = queue.read('a', POSITION_ZERO, 1e9, 100);
  assert.deepEqual(sequencesOf(found), [1, 2, 3]);
  assert.equal(found[2]?.bytes.length, 132);
  queue.ack('a', first.epoch(), [[1, 3]]);
  assert.deepEqual(queue.floor(), { epoch: queue.epoch(), sequence: 1 });
  assert.deepEqual(queue.statistics().lost, {});
});

test('what was on the disk when the power went is there, with its rows', async (t) => {
  const dir = temporaryFolder(t);
  const queue = await opened(t, dir, { maxSizeBytes: 64 * MIB });
  for (let round = 1; round <= 25; round++) {
    await appendSome(queue, 3, new Map([['round', Buffer.from(`${round}`)]]), 60_000);
    if (round % 3 === 0) queue.ack('a', queue.epoch(), [[1, round]]);
    if (round % 5 !== 0) continue;
    const copy = join(temporaryFolder(t), 'copy');
    // Lock files are of this boot; so is what is told, which another boot does not believe.
    cpSync(dir, copy, { recursive: true, filter: (path) => !/-lock$|lock\.mdb$/.test(path) });
    const { queue: after } = await openDirect(copy, { bootId: 'another boot' });
    assert.equal(after.ledger().get('round')?.toString(), `${round}`);
    const found = after.read('a', POSITION_ZERO, 1e9, 1000);
    for (const { position, bytes } of found) checkBatch(position, bytes);
    const first = found[0]?.position.sequence ?? 0;
    assert.ok(first <= round + 1, `nothing that was not acked is missing: ${first}`);
    assert.deepEqual(
      sequencesOf(found),
      Array.from({ length: 3 * round - first + 1 }, (_, i) => first + i),
    );
    assert.deepEqual(after.statistics().lost, {});
    await after.close();
  }
});

test('a damaged newest file is set aside and told', async (t) => {
  const dir = temporaryFolder(t);
  const { queue } = await openDirect(dir);
  await appendSome(queue, 1, new Map([['x', Buffer.from('1')]]));
  await queue.close();
  writeFileSync(join(dir, 'store', '00000001.mdb'), Buffer.alloc(40_000, 7));
  const { queue: again, faults } = await openDirect(dir);
  assert.equal(faults[0]?.code, 'damaged');
  assert.equal(again.ledger().size, 0);
  await appendSome(again, 1);
  await again.close();
});

test('what waits can be dropped, and the ledger stays', async (t) => {
  const dir = temporaryFolder(t);
  const { queue } = await openDirect(dir);
  await appendSome(queue, 5, new Map([['x', Buffer.from('5')]]));
  queue.ack('a', queue.epoch(), [[1, 2]]);
  await queue.close();
  assert.equal((await dropQueue(dir, inspect)).batches, 3);
  const again = await opened(t, dir);
  assert.equal(again.hasNew(again.floor()), false);
  assert.deepEqual(again.read('a', POSITION_ZERO, 1e9, 10), []);
  assert.equal(again.ledger().get('x')?.toString(), '5');
});

test('without a destination nothing is kept but the ledger', async (t) => {
  const queue = await opened(t, temporaryFolder(t), { maxSizeBytes: 4 * MIB }, []);
  for (let round = 1; round <= 30; round++)
    await appendSome(queue, 1, new Map([['round', Buffer.from(`${round}`)]]), 500_000);
  await waitUntil('files are gone', () => queue.statistics().storeFiles === 1);
  assert.equal(queue.ledger().get('round')?.toString(), '30');
  assert.deepEqual(queue.statistics().lost, {});
});
