import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '@k2hft/test-harness';
import { cursorsOf } from '../src/index.js';
import { MemoryQueue } from './helpers/memory-queue.js';
import { numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

test('a dead server delays nobody else, and gets everything when it is back', async (t) => {
  const servers = [await TestServer.start(t), await TestServer.start(t), await TestServer.start(t)] as const;
  const [first, dead, third] = servers;
  await dead.stop();
  const chosen = settings(
    servers.map((server) => server.url),
    { deliver: 'broadcast' },
  );
  const [firstCursor = '', deadCursor = '', thirdCursor = ''] = cursorsOf(chosen);
  const queue = new MemoryQueue();
  for (const number of numbers(0, 200)) queue.append(number);
  const { forwarder } = startForwarder(t, queue, chosen);
  await waitUntil('the living have all', () => queue.emptyFor(firstCursor) && queue.emptyFor(thirdCursor));
  assert.deepEqual(first.applied, numbers(0, 200));
  assert.deepEqual(third.applied, numbers(0, 200));
  assert.equal(queue.floor(deadCursor).sequence, 1);

  for (const number of numbers(200, 300)) queue.append(number);
  forwarder.noticed();
  await dead.listen();
  await waitUntil('everybody has all', () => cursorsOf(chosen).every((cursor) => queue.emptyFor(cursor)));
  for (const server of servers) {
    assert.deepEqual(server.applied, numbers(0, 300));
    assert.equal(server.doubled, 0);
  }
});

test('each server is sent again what it has not acknowledged itself', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  second.acknowledge = false;
  const chosen = settings([first.url, second.url], { deliver: 'broadcast' });
  const queue = new MemoryQueue();
  for (const number of numbers(0, 50)) queue.append(number);
  const { forwarder } = startForwarder(t, queue, chosen);
  await waitUntil('both have all', () => first.received === 50 && second.received === 50);
  second.acknowledgeNow(20);
  await waitUntil('some are acknowledged', () => forwarder.status()[1]?.acked.batches === 20);
  second.acknowledge = true;
  second.dropConnections();
  await waitUntil('everybody has all', () => cursorsOf(chosen).every((cursor) => queue.emptyFor(cursor)));
  assert.equal(first.received, 50);
  assert.equal(second.received, 80);
  assert.deepEqual(second.applied, numbers(0, 50));
});
