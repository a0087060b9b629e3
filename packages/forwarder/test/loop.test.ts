import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, waitUntil } from '@k2hft/test-harness';
import type { ErrorMessage } from '@k2hft/wire';
import { MemoryQueue } from './helpers/memory-queue.js';
import { numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

const LOOP: ErrorMessage = { type: 'error', code: 'loop', message: 'a batch comes back' };

function filled(count: number): MemoryQueue {
  const queue = new MemoryQueue();
  for (const number of numbers(0, count)) queue.append(number);
  return queue;
}

test('a server that gets its own batches back is left alone, and another one gets them', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  first.acknowledge = false;
  const queue = filled(10);
  const urls = [first.url, second.url];
  const { forwarder, logged } = startForwarder(t, queue, settings(urls));
  await waitUntil('all are there', () => first.received === 10);
  forwarder.update(settings(urls, { failoverAfterMs: 100 }));
  first.tell(LOOP);
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(0, 10));
  await sleep(200);
  assert.equal(first.hellos.length, 1);
  assert.deepEqual(
    logged.filter((line) => line.includes('loop')),
    [`error: ${first.url}: the server refuses: a batch comes back (loop)`],
  );
});

test('so is one that is the relay itself', async (t) => {
  const first = await TestServer.start(t, { greet: () => [LOOP] });
  const second = await TestServer.start(t);
  const queue = filled(10);
  startForwarder(t, queue, settings([first.url, second.url], { failoverAfterMs: 100 }));
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(0, 10));
  await sleep(200);
  assert.equal(first.hellos.length, 1);
});

test('it is tried again now and then, and nothing was lost meanwhile', async (t) => {
  let hellos = 0;
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = filled(10);
  const tuning = { loopRetryMs: 50 };
  startForwarder(t, queue, settings([server.url], { failoverAfterMs: 10 }), { tuning });
  for (let attempt = 1; attempt <= 3; attempt++) {
    await waitUntil('it is there again', () => server.hellos.length > hellos && server.unacknowledged > 0);
    hellos = server.hellos.length;
    if (attempt === 3) server.acknowledgeNow();
    else server.tell(LOOP);
    if (attempt < 3) await waitUntil('the next attempt', () => server.hellos.length > hellos);
  }
  server.acknowledge = true;
  server.acknowledgeNow();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, numbers(0, 10));
});
