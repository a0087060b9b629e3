import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder, undoAtEnd } from '@k2hft/test-harness';
import { POSITION_ZERO, type DurableRest } from '../src/index.js';
import { makeBatch, sequenceIn } from './helpers/batches.js';
import { BOOT, NEXT_BOOT, openDrain, openHot } from './helpers/queues.js';

const THIRD_BOOT = BOOT.replace(/1$/, '3');

/** A rest is shaped like a batch; its "sequence" tells the versions of a stream's rest apart. */
const rest = (stream: number, version: number): Buffer =>
  makeBatch({ sequence: version, stream, payloadBytes: 5 });

const streamsOf = (rests: DurableRest[]): string[] =>
  rests.map(({ key, bytes }) => `${key} ${sequenceIn(bytes)}`);

test('after the power was lost, rests come back as they were at the last requested checkpoint', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  const { drain } = await openDrain(dir);
  hot.append(
    [{ sequence: 1, bytes: makeBatch({ sequence: 1 }) }],
    new Map([
      ['d7', rest(7, 1)],
      ['d8', rest(8, 1)],
    ]),
  );
  const ticket = hot.requestCheckpoint({ epoch: hot.epoch, sequence: 1 });
  assert.equal(hot.isDurable(ticket), false);
  await drain.checkpoint();
  assert.equal(hot.isDurable(ticket), true);
  // A second request for the same position is another one: the rests have changed.
  hot.putRows(
    new Map([
      ['d7', rest(7, 2)],
      ['d8', undefined],
      ['d9', rest(9, 1)],
    ]),
  );
  hot.requestCheckpoint({ epoch: hot.epoch, sequence: 1 });
  assert.deepEqual(hot.checkpointed(), { epoch: hot.epoch, sequence: 0 });
  await drain.checkpoint();
  assert.deepEqual(hot.checkpointed(), { epoch: hot.epoch, sequence: 1 });
  hot.putRows(new Map([['d7', rest(7, 3)]]));
  await drain.abandon();
  hot.close();

  const next = openHot(dir, {}, NEXT_BOOT);
  undoAtEnd(t, () => {
    next.close();
  });
  const rests = next.takeDurableRests();
  assert.deepEqual(streamsOf(rests), ['d7 2', 'd9 1']);
  // Until they are appended, they are not taken.
  assert.deepEqual(streamsOf(next.takeDurableRests()), ['d7 2', 'd9 1']);
  next.append(rests.map(({ bytes }, index) => ({ sequence: index + 1, bytes })));
  assert.deepEqual(next.takeDurableRests(), []);
});

test('a rest that a DURABLE_FIRST batch carries on is gone, whenever the power goes', async (t) => {
  const dir = temporaryFolder(t);
  const hot = openHot(dir);
  const { drain } = await openDrain(dir);
  hot.putRows(new Map([['d7', rest(7, 1)]]));
  hot.requestCheckpoint({ epoch: hot.epoch, sequence: 0 });
  await drain.checkpoint();
  hot.append(
    [
      { sequence: 1, bytes: makeBatch({ sequence: 1, stream: 7, durableFirst: true }) },
      { sequence: 2, bytes: makeBatch({ sequence: 2, stream: 7 }) },
    ],
    new Map([['d7', undefined]]),
  );
  // It may not be sent before it is in the store, and nothing behind it either.
  assert.deepEqual(drain.read('a', POSITION_ZERO, 1e9, 10), []);
  await drain.checkpoint();
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 10).length, 2);
  drain.ack('a', hot.epoch, [[1, 2]]);
  await drain.close();
  hot.close();
  const next = openHot(dir, {}, NEXT_BOOT);
  assert.deepEqual(next.takeDurableRests(), []);
  next.close();
});

test('rests that were not taken survive another loss of power, taken ones only as batches', async (t) => {
  const dir = temporaryFolder(t);
  const first = openHot(dir);
  let { drain } = await openDrain(dir);
  first.putRows(new Map([['d7', rest(7, 1)]]));
  first.requestCheckpoint({ epoch: first.epoch, sequence: 0 });
  await drain.checkpoint();
  await drain.abandon();
  first.close();

  const second = openHot(dir, {}, NEXT_BOOT);
  ({ drain } = await openDrain(dir, { bootId: NEXT_BOOT }));
  // A checkpoint that comes before they are taken must not forget them.
  second.requestCheckpoint({ epoch: second.epoch, sequence: 0 });
  await drain.checkpoint();
  const taken = second.takeDurableRests();
  assert.deepEqual(streamsOf(taken), ['d7 1']);
  second.append([{ sequence: 1, bytes: makeBatch({ sequence: 1, stream: 7, durableFirst: true }) }]);
  second.requestCheckpoint({ epoch: second.epoch, sequence: 1 });
  await drain.checkpoint();
  await drain.abandon();
  second.close();

  const third = openHot(dir, {}, THIRD_BOOT);
  ({ drain } = await openDrain(dir, { bootId: THIRD_BOOT }));
  assert.deepEqual(third.takeDurableRests(), []);
  assert.equal(drain.read('a', POSITION_ZERO, 1e9, 10).length, 1);
  await drain.close();
  third.close();
});
