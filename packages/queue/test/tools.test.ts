import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import {
  dropQueue,
  dumpQueue,
  listQueue,
  lockQueue,
  POSITION_ZERO,
  QueueError,
  verifyQueue,
} from '../src/index.js';
import { currentBootId } from '../src/hot-folder.js';
import { checkBatch, inspect, makeBatch } from './helpers/batches.js';
import { openDrain, openHot } from './helpers/queues.js';

test('a queue can be listed, dumped, verified and dropped', async (t) => {
  const dir = temporaryFolder(t);
  const bootId = currentBootId();
  const hot = openHot(dir, {}, bootId);
  const { drain } = await openDrain(dir, { bootId });
  const append = (from: number, to: number): void => {
    for (let sequence = from; sequence <= to; sequence++) {
      hot.append([{ sequence, bytes: makeBatch({ sequence, records: 2, payloadBytes: 3000 }) }]);
    }
  };
  append(1, 30);
  await drain.checkpoint(true);
  append(31, 40);
  drain.ack('a', hot.epoch, [[1, 10]]);
  await drain.close();
  const listing = listQueue(dir, inspect);
  assert.equal(listing.source, hot.source);
  assert.deepEqual(listing.floor, { epoch: hot.epoch, sequence: 11 });
  assert.equal(listing.store.batches, 20);
  assert.equal(listing.store.files, 1);
  assert.deepEqual(listing.hot, { batches: 10, records: 20, bytes: 10 * 3032 });
  assert.deepEqual(listing.cursors, { a: { epoch: hot.epoch, sequence: 11 } });

  const lines: string[] = [];
  const output = new Writable({
    highWaterMark: 10,
    write: (chunk: Buffer, _, done) => {
      lines.push(chunk.toString());
      setImmediate(done);
    },
  });
  assert.equal(await dumpQueue(dir, output, ({ sequence }, bytes) => `${sequence} ${bytes.length}\n`), 30);
  await new Promise<void>((resolve) => output.end(resolve));
  assert.equal(lines.join(''), Array.from({ length: 30 }, (_, index) => `${index + 11} 3032\n`).join(''));

  assert.deepEqual(verifyQueue(dir, checkBatch), {
    checked: { batches: 30, records: 0, bytes: 30 * 3032 },
    problems: [],
  });
  const bad = verifyQueue(dir, ({ sequence }) => {
    if (sequence === 15) throw new Error('wrong');
  });
  assert.equal(bad.problems.length, 1);

  hot.close();
  const lock = await lockQueue(dir, 'somebody');
  await assert.rejects(
    dropQueue(dir, inspect),
    (error) => error instanceof QueueError && error.code === 'locked',
  );
  await lock.release();
  assert.equal((await dropQueue(dir, inspect)).batches, 30);
  const next = openHot(dir, {}, bootId);
  assert.equal(next.epoch, hot.epoch + 1, 'its numbers are new to the servers');
  const { drain: empty } = await openDrain(dir, { bootId });
  assert.deepEqual(empty.read('a', POSITION_ZERO, 1e9, 10), []);
  assert.deepEqual(empty.floor(), { epoch: next.epoch, sequence: 1 });
  await empty.close();
  next.close();
});

test('where there is no queue, the message says so; a damaged identity is not replaced', (t) => {
  const dir = temporaryFolder(t);
  assert.throws(
    () => listQueue(dir, inspect),
    (error) => error instanceof QueueError && error.code === 'no_queue',
  );
  const hot = openHot(dir);
  hot.close();
  const file = join(dir, 'state', 'identity.json');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.slice(0, 10));
  assert.throws(
    () => openHot(dir),
    (error) => error instanceof QueueError && error.code === 'damaged',
  );
  writeFileSync(file, text);
  openHot(dir).close();
});
