import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { waitUntil } from '@k2hft/test-harness';
import { ServerAddresses, type Resolve } from '../src/addresses.js';
import { ownAddress } from './helpers/own-address.js';
import { MemoryQueue } from './helpers/memory-queue.js';
import { numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

/** A name server that says what the test wants. */
function names(...addresses: string[]): { resolve: Resolve; set: (...addresses: string[]) => void } {
  let found: LookupAddress[] = [];
  const set = (...next: string[]) => {
    found = next.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  set(...addresses);
  return { resolve: () => Promise.resolve(found), set };
}

function lookUp(addresses: ServerAddresses): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    addresses.lookup('agg.test', { all: true }, (error, found) => {
      if (error !== null) reject(error);
      else resolve(Array.isArray(found) ? found : []);
    });
  });
}

test('after a failed attempt the next one begins with the next address', async () => {
  const addresses = new ServerAddresses('ws://agg.test:1', names('10.0.0.1', '10.0.0.2').resolve);
  const first = async () => (await lookUp(addresses))[0]?.address;
  assert.equal(await first(), '10.0.0.1');
  addresses.failed();
  assert.equal(await first(), '10.0.0.2');
  addresses.failed();
  assert.equal(await first(), '10.0.0.1');
});

test('whether a name still has an address', async () => {
  const { resolve, set } = names('10.0.0.1', 'fe80::1');
  const addresses = new ServerAddresses('ws://agg.test:1', resolve);
  assert.equal(await addresses.has('::ffff:10.0.0.1'), true);
  assert.equal(await addresses.has('fe80::1%eth0'), true);
  assert.equal(await addresses.has('10.0.0.2'), false);
  set();
  assert.equal(await addresses.has('10.0.0.2'), true, 'a name that is gone for a moment is no reason');
  const broken = new ServerAddresses('ws://agg.test:1', () => Promise.reject(new Error('no answer')));
  assert.equal(await broken.has('10.0.0.2'), true);
  await assert.rejects(lookUp(broken), /no answer/);
  await assert.rejects(lookUp(addresses), /agg.test has no address/);
  const literal = new ServerAddresses('ws://[::1]:1', resolve);
  assert.equal(await literal.has('::2'), true);
});

test('of two addresses, one that nobody listens on, and one that says nothing, do not stand in the way', async (t) => {
  const good = await TestServer.start(t);
  const mute = await TestServer.start(t, { port: good.port, greet: () => [] });
  const { resolve, set } = names(ownAddress(), good.host);
  const queue = new MemoryQueue();
  queue.append('0');
  const url = `ws://agg.test:${good.port}`;
  startForwarder(t, queue, settings([url]), { resolve });
  await waitUntil('it arrives', () => queue.emptyFor('any'));
  assert.deepEqual(good.applied, ['0']);

  set(mute.host, good.host);
  await good.stop();
  const second = new MemoryQueue();
  second.append('0');
  startForwarder(t, second, settings([url]), { resolve, tuning: { handshakeTimeoutMs: 500 } });
  await waitUntil('the one that says nothing is tried', () => mute.hellos.length > 0);
  await good.listen();
  await waitUntil('it arrives', () => second.emptyFor('any'));
});

test('a name that has another address is followed, when what is in flight is acknowledged', async (t) => {
  const before = await TestServer.start(t);
  const after = await TestServer.start(t, { port: before.port });
  const { resolve, set } = names(before.host);
  const queue = new MemoryQueue();
  before.acknowledge = false;
  queue.append('0');
  const tuning = { heartbeatMs: 20, addressCheckMs: 40 };
  const { forwarder, logged } = startForwarder(t, queue, settings([`ws://agg.test:${before.port}`]), {
    resolve,
    tuning,
  });
  await waitUntil('it is sent', () => before.unacknowledged === 1);
  set(after.host);
  await waitUntil('it is noticed', () =>
    logged.some((line) => line.includes(`no longer has the address ${before.host}`)),
  );
  queue.append('1');
  forwarder.noticed();
  before.acknowledgeNow();
  await waitUntil('all', () => queue.emptyFor('any'));
  assert.deepEqual([before.applied, after.applied], [numbers(0, 1), numbers(1, 2)]);
  assert.equal(forwarder.handedOver(), 0);
});
