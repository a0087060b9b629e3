import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, waitUntil } from '@k2hft/test-harness';
import { MemoryQueue } from './helpers/memory-queue.js';
import { numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

function append(queue: MemoryQueue, from: number, to: number): void {
  for (const number of numbers(from, to)) queue.append(number);
}

test('the first server gets everything while it is up', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  const queue = new MemoryQueue();
  append(queue, 0, 100);
  startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(first.applied, numbers(0, 100));
  assert.equal(second.received, 0);
});

test('a first server that is away at the start is not waited for', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  await first.stop();
  const queue = new MemoryQueue();
  append(queue, 0, 100);
  startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(0, 100));
});

test('a first server that does not answer at the start is waited for no longer than failover_after', async (t) => {
  const [first, second] = [await TestServer.start(t, { greet: () => [] }), await TestServer.start(t)];
  const queue = new MemoryQueue();
  append(queue, 0, 100);
  startForwarder(t, queue, settings([first.url, second.url], { failoverAfterMs: 100 }));
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(0, 100));
});

test('with nothing in flight, the next server gets new batches at once', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  await first.stop();
  await waitUntil('the loss is noticed', () => forwarder.status()[0]?.state === 'down');
  append(queue, 10, 20);
  forwarder.noticed();
  await waitUntil('the others are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(10, 20));
});

test('batches in flight wait for their server, and nothing overtakes them', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  first.acknowledge = false;
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('all are there', () => first.received === 10);
  await first.stop();
  append(queue, 10, 20);
  forwarder.noticed();
  await sleep(100);
  assert.equal(second.received, 0);
  first.acknowledge = true;
  await first.listen();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(first.applied, numbers(0, 20));
  assert.equal(first.doubled, 10);
  assert.equal(second.received, 0);
});

test('after failover_after they go to the next, in order; when the first returns, new ones go back to it', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  first.acknowledge = false;
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('all are there', () => first.received === 10);
  forwarder.update(settings([first.url, second.url], { failoverAfterMs: 100 }));
  await first.stop();
  append(queue, 10, 20);
  forwarder.noticed();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(0, 20));

  first.acknowledge = true;
  await first.listen();
  await waitUntil('the first is up', () => forwarder.status()[0]?.state === 'up');
  append(queue, 20, 30);
  forwarder.noticed();
  await waitUntil('the new ones are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(first.applied, [...numbers(0, 10), ...numbers(20, 30)]);
  assert.equal(second.received, 20);
  assert.equal(first.doubled, 0);
});

test('the return to the first waits until the second has acknowledged what it has', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  await first.stop();
  second.acknowledge = false;
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('the second has them', () => second.received === 10);
  await first.listen();
  await waitUntil('the first is up', () => forwarder.status()[0]?.state === 'up');
  append(queue, 10, 20);
  forwarder.noticed();
  await sleep(50);
  assert.equal(first.received, 0);
  assert.equal(second.received, 10);
  second.acknowledgeNow();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(first.applied, numbers(10, 20));
  assert.deepEqual(second.applied, numbers(0, 10));
});

test('a second server that is full when the first returns is not waited for', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  await first.stop();
  second.acknowledge = false;
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const servers = settings([first.url, second.url], { failoverAfterMs: 100 });
  const { forwarder } = startForwarder(t, queue, servers);
  await waitUntil('the second has them', () => second.received === 10);
  second.tell({ type: 'status', state: 'full', reason: '' });
  await first.listen();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(first.applied, numbers(0, 10));
  // What the full server acknowledges later is known already.
  second.acknowledgeNow();
  append(queue, 10, 20);
  forwarder.noticed();
  await waitUntil('the others are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(first.applied, numbers(0, 20));
});

test('a draining server is sent nothing more, acknowledges what it has, and the next goes on', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  first.acknowledge = false;
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('all are there', () => first.received === 10);
  first.tell({ type: 'status', state: 'draining', reason: 'it ends' });
  await waitUntil('it drains', () => forwarder.status()[0]?.state === 'draining');
  append(queue, 10, 20);
  forwarder.noticed();
  await sleep(50);
  assert.deepEqual([first.received, second.received], [10, 0]);
  first.acknowledgeNow();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(10, 20));
});

test('a server that is back with batches in flight gets those again, even when one preferred to it is up', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  await first.stop();
  second.acknowledge = false;
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url]));
  await waitUntil('the second has them', () => second.received === 10);
  await second.stop();
  await first.listen();
  await waitUntil('the first is up', () => forwarder.status()[0]?.state === 'up');
  append(queue, 10, 20);
  forwarder.noticed();
  await sleep(30);
  assert.equal(first.received, 0);
  second.acknowledge = true;
  await second.listen();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(second.applied, numbers(0, 10));
  assert.deepEqual(first.applied, numbers(10, 20));
});

test('servers that go and come at random: all arrives, and in order on each', async (t) => {
  const servers = [await TestServer.start(t), await TestServer.start(t), await TestServer.start(t)];
  const queue = new MemoryQueue();
  const urls = servers.map((server) => server.url);
  const { forwarder } = startForwarder(t, queue, settings(urls));
  const down = new Set<TestServer>();
  for (const number of numbers(0, 600)) {
    queue.append(number);
    forwarder.noticed();
    if (Number(number) % 20 === 0) await toggle(servers[Number(number) % 3], down);
    if (Number(number) % 4 === 0) await sleep(1);
  }
  for (const server of down) await server.listen();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  for (const { applied } of servers) {
    assert.deepEqual(
      applied,
      applied.toSorted((a, b) => Number(a) - Number(b)),
    );
  }
  const all = servers.flatMap(({ applied }) => applied).sort((a, b) => Number(a) - Number(b));
  assert.deepEqual([...new Set(all)], numbers(0, 600));
  assert.equal(all.length, 600, 'all servers returned within failover_after, so nothing is on two of them');
});

test('a server that comes back again and again and acknowledges nothing is given up like one that is away', async (t) => {
  const [first, second] = [await TestServer.start(t), await TestServer.start(t)];
  first.acknowledge = false;
  const queue = new MemoryQueue();
  append(queue, 0, 10);
  const { forwarder } = startForwarder(t, queue, settings([first.url, second.url], { failoverAfterMs: 300 }));
  await waitUntil('it has all', () => first.received === 10);
  await waitUntil('the second has all', () => {
    if (forwarder.status()[0]?.state === 'up') first.dropConnections();
    return second.received === 10;
  });
  assert.deepEqual(second.applied, numbers(0, 10));
  assert.equal(forwarder.handedOver(), 10);
});

async function toggle(server: TestServer | undefined, down: Set<TestServer>): Promise<void> {
  if (server === undefined) return;
  if (down.delete(server)) {
    await server.listen();
  } else {
    down.add(server);
    await server.stop();
  }
}
