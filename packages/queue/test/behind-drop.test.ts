import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { HotQueue, POSITION_ZERO, type QueueDrain, type QueueOptions } from '../src/index.js';
import { inspect, makeBatch } from './helpers/batches.js';
import { BOOT, openDrain, SETTINGS } from './helpers/queues.js';

const MIB = 1024 * 1024;
const HEALTHY = 'to ws://healthy/';
const DEAD = 'to ws://dead/';
const PAYLOAD_BYTES = 50_000;

interface Queue {
  hot: HotQueue;
  drain: QueueDrain;
}

/** The drain is waited for however long it takes: the clock by which it would be taken for dead stands still. */
function openPatiently(t: TestContext, cursors?: string[]): Promise<Queue> {
  t.mock.method(performance, 'now', () => 0);
  return open(t, cursors);
}

async function open(
  t: TestContext,
  cursors = [HEALTHY, DEAD],
  changed: Partial<QueueOptions> = {},
): Promise<Queue> {
  const dir = temporaryFolder(t);
  const settings = { ...SETTINGS, maxSizeBytes: 8 * MIB, ...changed };
  const hot = HotQueue.open({ dir, settings, inspect, isBroadcast: true, bootId: BOOT });
  const { drain } = await openDrain(dir, { cursors, settings });
  undoAtEnd(t, async () => {
    await drain.close();
    hot.close();
  });
  return { hot, drain };
}

/** Appends as the mount does; returns whether there was room. */
function append(hot: HotQueue): boolean {
  if (hot.roomBytes() < PAYLOAD_BYTES + 5000) hot.collect();
  if (hot.roomBytes() < PAYLOAD_BYTES + 5000) return false;
  const sequence = hot.nextSequence();
  hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: PAYLOAD_BYTES, records: 2 }) }]);
  return true;
}

function fill(hot: HotQueue): void {
  while (append(hot));
}

/** As the worker does while a write waits: asks, and tries again when the drain has answered. */
async function makeRoom({ hot, drain }: Queue): Promise<void> {
  await waitUntil('there is room', () => {
    hot.dropOldest(MIB);
    drain.noticed();
    return hot.roomBytes() >= MIB;
  });
}

function ack(drain: QueueDrain, cursor: string): number {
  const found = drain.read(cursor, POSITION_ZERO, 1e9, 1e6);
  for (const { position } of found)
    drain.ack(cursor, position.epoch, [[position.sequence, position.sequence]]);
  return found.length;
}

test('a full queue drops from hot for the one that is behind; the other keeps what it has not acked yet', async (t) => {
  const queue = await openPatiently(t);
  const { hot, drain } = queue;
  fill(hot);
  const written = hot.nextSequence() - 1;
  // Not yet acked: the last ten.
  drain.ack(HEALTHY, hot.epoch, [[1, written - 10]]);
  await makeRoom(queue);
  const { lost } = drain.statistics();
  assert.deepEqual(Object.keys(lost), [`drop_oldest ${DEAD}`]);
  const { batches = 0, records = 0 } = lost[`drop_oldest ${DEAD}`] ?? {};
  assert.ok(batches >= 20 && batches <= 45, `${batches} batches`);
  assert.equal(records, 2 * batches);
  assert.equal(drain.read(HEALTHY, POSITION_ZERO, 1e9, 1e6).length, 10);
  assert.equal(drain.read(DEAD, POSITION_ZERO, 1e9, 1e6).length, written - batches);
  assert.equal(drain.floor(DEAD).sequence, batches + 1);
});

test('so it does with what is in the store, and again and again', async (t) => {
  const queue = await openPatiently(t);
  const { hot, drain } = queue;
  let healthy = 0;
  for (let round = 0; round < 12; round++) {
    for (let count = 0; count < 40; count++) {
      if (!append(hot)) {
        await makeRoom(queue);
        assert.ok(append(hot));
      }
    }
    healthy += ack(drain, HEALTHY);
    await drain.checkpoint(true);
  }
  const written = hot.nextSequence() - 1;
  assert.equal(healthy, written, 'the healthy one loses nothing');
  const { lost } = drain.statistics();
  assert.deepEqual(Object.keys(lost), [`drop_oldest ${DEAD}`]);
  assert.equal(ack(drain, DEAD) + (lost[`drop_oldest ${DEAD}`]?.batches ?? 0), written);
});

test('two that are as far behind lose the same, and each is counted', async (t) => {
  const queue = await openPatiently(t, [HEALTHY, DEAD, 'to ws://too/']);
  const { hot, drain } = queue;
  fill(hot);
  assert.ok(ack(drain, HEALTHY) > 0);
  await makeRoom(queue);
  const { lost } = drain.statistics();
  assert.deepEqual(lost[`drop_oldest ${DEAD}`], lost['drop_oldest to ws://too/']);
  assert.equal(Object.keys(lost).length, 2);
});

test('when all are equally behind, nothing stays undone for the sake of one', async (t) => {
  const queue = await openPatiently(t);
  fill(queue.hot);
  await makeRoom(queue);
  assert.equal(Object.keys(queue.drain.statistics().lost).length, 2);
});

test('a drain that does not come back is not waited for without an end', async (t) => {
  const { hot, drain } = await open(t);
  fill(hot);
  await drain.abandon();
  await waitUntil('hot drops by itself', () => hot.dropOldest(MIB).batches > 0);
  assert.ok((hot.counters().dropped['drop_oldest']?.batches ?? 0) > 0);
});

test('what is too old expires for the one that is behind, although the other was given everything', async (t) => {
  const { hot, drain } = await open(t, [HEALTHY, DEAD], { checkpointMs: 20 });
  const before = 20;
  for (let count = 0; count < before; count++) append(hot);
  assert.equal(ack(drain, HEALTHY), before);
  await drain.update({ ...SETTINGS, checkpointMs: 20, expireMs: 1 });
  await waitUntil('they have expired', () => drain.floor(DEAD).sequence === before + 1);
  assert.equal(drain.statistics().lost['expired']?.batches, before);
  await waitUntil('their files are gone', () => drain.statistics().storeFiles === 0);
});
