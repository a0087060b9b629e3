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

for (const deliver of DELIVERIES) {
  test(`what was in flight and cannot be read when the server is back is sent when it can (${deliver})`, async (t) => {
    const server = await TestServer.start(t);
    server.acknowledge = false;
    const chosen = settings([server.url], { deliver });
    const queue = new MemoryQueue();
    for (const number of numbers(0, 50)) queue.append(number);
    const { forwarder } = startForwarder(t, queue, chosen);
    await waitUntil('the server has all', () => server.received === 50);
    server.acknowledge = true;
    queue.isUnreadable = true;
    server.dropConnections();
    await waitUntil('it is connected again', () => server.hellos.length === 2);
    const { reads } = queue;
    await waitUntil('it was tried to read them', () => queue.reads > reads + 2);
    queue.isUnreadable = false;
    queue.append('50');
    forwarder.noticed();
    await waitUntil('nothing is left', () => cursorsOf(chosen).every((cursor) => queue.emptyFor(cursor)));
    assert.deepEqual(server.applied, numbers(0, 51));
  });
}

test('what was in flight and is given up holds back nobody', async (t) => {
  const servers = [await TestServer.start(t), await TestServer.start(t)];
  const [first, second] = servers;
  assert(first && second);
  await first.stop();
  second.acknowledge = false;
  const queue = new MemoryQueue();
  for (const number of numbers(0, 10)) queue.append(number);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('the second has all', () => second.received === 10);
  await first.listen();
  await waitUntil('the first is up', () => forwarder.status()[0]?.state === 'up');
  queue.ack('any', 1, [[3, 10]]);
  second.dropConnections();
  await waitUntil('the second has again what is left', () => second.received === 12);
  second.acknowledgeNow();
  queue.append('10');
  forwarder.noticed();
  await waitUntil('nothing is left', () => queue.emptyFor('any'));
  assert.deepEqual(first.applied, ['10']);
});
