import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, waitUntil } from '@k2hft/test-harness';
import { cursorsOf, ForwarderError, type ForwarderServers } from '../src/index.js';
import { MemoryQueue } from './helpers/memory-queue.js';
import { numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

type Deliver = ForwarderServers['deliver'];

/** So many that each of two servers has some, whatever their addresses are. */
const FILES = 61;

/** A queue that is written to for as long as the test goes on. */
function writing(): {
  queue: MemoryQueue;
  write: (count: number, notice: () => void) => void;
  written: () => string[];
} {
  const queue = new MemoryQueue();
  let count = 0;
  return {
    queue,
    write(more, notice) {
      for (let index = 0; index < more; index++, count++) {
        queue.append(String(count), { path: `${count % FILES}.log`, stream: count % FILES });
      }
      notice();
    },
    written: () => numbers(0, count),
  };
}

async function servers(t: Parameters<typeof TestServer.start>[0], count: number): Promise<TestServer[]> {
  return Promise.all(Array.from({ length: count }, () => TestServer.start(t)));
}

function sorted(texts: readonly string[]): string[] {
  return [...texts].sort((a, b) => Number(a) - Number(b));
}

for (const deliver of ['failover', 'random', 'hash'] as const) {
  test(`${deliver}: a server that stays keeps its connection while others come and go; all arrives once`, async (t) => {
    const [stays, goes, comes] = await servers(t, 3);
    assert(stays && goes && comes);
    const { queue, write, written } = writing();
    const { forwarder } = startForwarder(t, queue, settings([goes.url, stays.url], { deliver }));
    const notice = () => {
      forwarder.noticed();
    };
    write(500, notice);
    await waitUntil('the first', () => queue.emptyFor('any'));
    write(500, notice);
    forwarder.update(settings([comes.url, stays.url], { deliver, lingerMs: 1 }));
    write(500, notice);
    await waitUntil('all', () => queue.emptyFor('any'));
    await waitUntil('the third is connected', () => forwarder.status()[0]?.state === 'up');
    write(500, notice);
    await waitUntil('all', () => queue.emptyFor('any'));
    await waitUntil('the one that goes is left', () => goes.connections === 0);
    assert.deepEqual(sorted([goes, stays, comes].flatMap(({ applied }) => applied)), written());
    assert.equal(stays.hellos.length, 1);
    assert.deepEqual(
      forwarder.status().map(({ url }) => url),
      [comes.url, stays.url],
    );
    assert.equal(forwarder.handedOver(), 0);
    assert.ok(comes.applied.length > 0);
  });
}

test('broadcast: a server that is added gets what is still there, one that is removed nothing more', async (t) => {
  const [stays, goes, comes] = await servers(t, 3);
  assert(stays && goes && comes);
  const { queue, write, written } = writing();
  const deliver = 'broadcast';
  const { forwarder } = startForwarder(t, queue, settings([stays.url, goes.url], { deliver }));
  const cursor = ({ url }: TestServer) => `to ${new URL(url).href}`;
  queue.addCursor(cursor(stays));
  queue.addCursor(cursor(goes));
  goes.acknowledge = false;
  write(100, () => {
    forwarder.noticed();
  });
  await waitUntil('the first', () => queue.emptyFor(cursor(stays)) && goes.applied.length === 100);
  forwarder.update(settings([comes.url, stays.url], { deliver, failoverAfterMs: 100 }));
  await waitUntil('all', () => queue.emptyFor(cursor(comes)));
  write(100, () => {
    forwarder.noticed();
  });
  await waitUntil('all', () => queue.emptyFor(cursor(comes)) && queue.emptyFor(cursor(stays)));
  await waitUntil('the one that goes is left', () => goes.connections === 0);
  assert.deepEqual(comes.applied, written());
  assert.deepEqual(stays.applied, written());
  assert.equal(goes.applied.length, 100);
  assert.equal(stays.hellos.length, 1);
});

test('broadcast: a server that is taken away and is back at once gets what the queue has, whatever breaks then', async (t) => {
  const [slow, other] = await servers(t, 2);
  assert(slow && other);
  const { queue, write, written } = writing();
  const chosen = settings([slow.url, other.url], { deliver: 'broadcast' });
  for (const cursor of cursorsOf(chosen)) queue.addCursor(cursor);
  slow.acknowledge = false;
  other.acknowledge = false;
  const { forwarder } = startForwarder(t, queue, chosen);
  write(5, () => {
    forwarder.noticed();
  });
  await waitUntil('both have all', () => slow.received === 5 && other.received === 5);
  other.acknowledgeNow(2);
  await waitUntil('two are acknowledged', () => forwarder.status()[1]?.acked.batches === 2);
  forwarder.update({ ...chosen, urls: [slow.url] });
  forwarder.update(chosen);
  await waitUntil('it gets all once more', () => other.received === 10);
  slow.acknowledge = true;
  other.acknowledge = true;
  slow.dropConnections();
  other.dropConnections();
  await waitUntil('all', () => cursorsOf(chosen).every((cursor) => queue.emptyFor(cursor)));
  for (const { applied } of [slow, other]) assert.deepEqual(applied, written());
});

test('another way to deliver begins on the same connections', async (t) => {
  const all = await servers(t, 2);
  const urls = all.map(({ url }) => url);
  const { queue, write, written } = writing();
  const { forwarder } = startForwarder(t, queue, settings(urls));
  const ways: Deliver[] = ['hash', 'random', 'broadcast', 'failover', 'broadcast', 'hash'];
  for (const deliver of ways) {
    write(200, () => {
      forwarder.noticed();
    });
    forwarder.update(settings(urls, { deliver }));
    write(200, () => {
      forwarder.noticed();
    });
    const cursors = deliver === 'broadcast' ? urls.map((url) => `to ${new URL(url).href}`) : ['any'];
    await waitUntil(`${deliver}: all`, () =>
      cursors.every((cursor) => queue.hasCursor(cursor) && queue.emptyFor(cursor)),
    );
    await sleep(5);
  }
  const arrived = new Set(all.flatMap(({ applied }) => applied));
  assert.deepEqual(sorted([...arrived]), written());
  for (const { hellos } of all) assert.equal(hellos.length, 1);
});

test('several changes at once end with the last one', async (t) => {
  const [one, two, three] = await servers(t, 3);
  assert(one && two && three);
  const { queue, write, written } = writing();
  const { forwarder } = startForwarder(t, queue, settings([one.url]));
  write(1_000, () => {
    forwarder.noticed();
  });
  forwarder.update(settings([two.url], { deliver: 'hash' }));
  forwarder.update(settings([one.url, two.url], { deliver: 'broadcast' }));
  forwarder.update(settings([three.url]));
  forwarder.update(settings([one.url]));
  await waitUntil('all', () => queue.hasCursor('any') && queue.emptyFor('any'));
  assert.deepEqual(sorted(one.applied), written());
  await waitUntil('the others are left', () => two.connections + three.connections === 0);
});

test('a dead server that is replaced holds nothing back for longer than failoverAfter', async (t) => {
  const [dies, comes] = await servers(t, 2);
  assert(dies && comes);
  dies.acknowledge = false;
  const { queue, write, written } = writing();
  const { forwarder } = startForwarder(t, queue, settings([dies.url]));
  write(10, () => {
    forwarder.noticed();
  });
  await waitUntil('it has them', () => dies.unacknowledged === 10);
  await dies.stop();
  forwarder.update(settings([comes.url], { failoverAfterMs: 50 }));
  await waitUntil('all', () => queue.emptyFor('any'));
  assert.deepEqual(comes.applied, written());
  assert.equal(forwarder.handedOver(), 10);
});

for (const deliver of ['failover', 'hash', 'random', 'broadcast'] as const) {
  test(`${deliver}: one that is replaced and acknowledges nothing is not waited for longer either`, async (t) => {
    const [hangs, comes] = await servers(t, 2);
    assert(hangs && comes);
    hangs.acknowledge = false;
    const { queue, write, written } = writing();
    const chosen = settings([hangs.url], { deliver, failoverAfterMs: 50 });
    for (const cursor of cursorsOf(chosen)) queue.addCursor(cursor);
    const { forwarder } = startForwarder(t, queue, chosen);
    write(10, () => {
      forwarder.noticed();
    });
    await waitUntil('it has them', () => hangs.unacknowledged === 10);
    forwarder.update({ ...chosen, urls: [comes.url] });
    await waitUntil('it is left', () => hangs.connections === 0);
    await waitUntil('all', () => comes.applied.length === 10);
    assert.deepEqual(comes.applied, written());
    assert.equal(hangs.hellos.length, 1);
    assert.equal(forwarder.handedOver(), deliver === 'broadcast' ? 0 : 10);
  });
}

test('other settings of a connection make it anew, after what is in flight was acknowledged', async (t) => {
  const [server, other] = await servers(t, 2);
  assert(server && other);
  server.acknowledge = false;
  const { queue, write } = writing();
  const { forwarder } = startForwarder(t, queue, settings([server.url, other.url]));
  write(5, () => {
    forwarder.noticed();
  });
  await waitUntil('it has them', () => server.unacknowledged === 5);
  forwarder.update(settings([server.url, other.url], { compression: 'gzip' }));
  write(5, () => {
    forwarder.noticed();
  });
  await sleep(20);
  assert.equal(server.hellos.length, 1);
  assert.equal(server.unacknowledged, 5);
  server.acknowledgeNow();
  server.acknowledge = true;
  await waitUntil('all', () => queue.emptyFor('any'));
  assert.equal(server.hellos.length, 2);
  assert.deepEqual(server.hellos[1]?.compressions?.includes('gzip'), true);
  assert.equal(server.doubled, 0);
  assert.deepEqual(other.applied, []);
});

test('a connection is also made anew when what is in flight is given up instead of acknowledged', async (t) => {
  const [server] = await servers(t, 1);
  assert(server);
  server.acknowledge = false;
  const { queue, write, written } = writing();
  const chosen = settings([server.url], { failoverAfterMs: 50 });
  const tuning = { heartbeatMs: 20 };
  const { forwarder } = startForwarder(t, queue, chosen, { tuning });
  write(5, () => {
    forwarder.noticed();
  });
  await waitUntil('it has them', () => server.unacknowledged === 5);
  forwarder.update({ ...chosen, deliver: 'hash', compression: 'gzip' });
  await waitUntil('it is connected to anew', () => server.hellos.length === 2);
  server.acknowledge = true;
  server.acknowledgeNow();
  await waitUntil('all', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, written());
});

test('settings that cannot be served change nothing', async (t) => {
  const server = await TestServer.start(t);
  const { queue, write } = writing();
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  assert.throws(() => {
    forwarder.update(settings([]));
  }, ForwarderError);
  write(1, () => {
    forwarder.noticed();
  });
  await waitUntil('it', () => queue.emptyFor('any'));
});
