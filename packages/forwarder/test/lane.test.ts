import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '@k2hft/test-harness';
import { BatchFlag } from '@k2hft/wire';
import { cursorsOf, type ForwarderServers } from '../src/index.js';
import { MemoryQueue } from './helpers/memory-queue.js';
import { numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

const DELIVERIES: ForwarderServers['deliver'][] = ['failover', 'broadcast', 'random', 'hash'];

for (const deliver of DELIVERIES) {
  test(`what is for the plugins of this host alone is sent to nobody (${deliver})`, async (t) => {
    const servers = [await TestServer.start(t), await TestServer.start(t)];
    const chosen = settings(
      servers.map(({ url }) => url),
      { deliver },
    );
    const queue = new MemoryQueue();
    for (const number of numbers(0, 100)) {
      queue.append(number);
      queue.append(`local ${number}`, undefined, BatchFlag.LOCAL);
    }
    for (const number of numbers(0, 100)) queue.append(`local ${number}`, undefined, BatchFlag.LOCAL);
    startForwarder(t, queue, chosen);
    await waitUntil('nothing is left', () => cursorsOf(chosen).every((cursor) => queue.emptyFor(cursor)));
    const received = servers.flatMap(({ applied }) => applied);
    assert.equal(received.length, deliver === 'broadcast' ? 200 : 100);
    assert.deepEqual(new Set(received), new Set(numbers(0, 100)));
  });
}

test('what was in flight when a connection broke is sent again, and nothing that is local', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const chosen = settings([server.url]);
  const queue = new MemoryQueue();
  for (const number of numbers(0, 50)) {
    queue.append(`local ${number}`, undefined, BatchFlag.LOCAL);
    queue.append(number);
  }
  startForwarder(t, queue, chosen);
  await waitUntil('the server has all', () => server.received === 50);
  server.acknowledge = true;
  server.dropConnections();
  await waitUntil('nothing is left', () => cursorsOf(chosen).every((cursor) => queue.emptyFor(cursor)));
  assert.deepEqual(server.applied, numbers(0, 50));
});
