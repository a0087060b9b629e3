import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sleep, temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { MESSAGE_BYTES_MAX, type ControlMessage } from '@k2hft/wire';
import { Pulse } from '../src/pulse.js';
import { MemoryQueue } from './helpers/memory-queue.js';
import { numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { stopClock } from './helpers/stopped-clock.js';
import { TestServer } from './helpers/test-server.js';

function filled(count: number): MemoryQueue {
  const queue = new MemoryQueue();
  for (const number of numbers(0, count)) queue.append(number);
  return queue;
}

const WELCOME: ControlMessage = {
  type: 'welcome',
  protocol: 1,
  software: 'test server',
  messageBytesMax: MESSAGE_BYTES_MAX,
};

test('what was not acknowledged is sent again after the connection broke, and nothing is doubled', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = filled(300);
  startForwarder(t, queue, settings([server.url]));
  await waitUntil('all are there', () => server.received === 300);
  server.acknowledgeNow(100);
  await waitUntil('the first hundred are acknowledged', () => queue.floor('any').sequence === 101);
  server.dropConnections();
  await waitUntil('the rest came again', () => server.received === 500);
  assert.equal(server.floors.at(-1)?.sequence, 101);
  server.acknowledge = true;
  server.dropConnections();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, numbers(0, 300));
});

test('a connection that breaks all the time loses and doubles nothing', async (t) => {
  const server = await TestServer.start(t);
  const queue = new MemoryQueue();
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  for (const number of numbers(0, 400)) {
    queue.append(number);
    forwarder.noticed();
    if (Number(number) % 25 === 0) server.dropConnections();
    if (Number(number) % 5 === 0) await sleep(1);
  }
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, numbers(0, 400));
});

test('a server that comes late is found, and its absence is a line in the log', async (t) => {
  const server = new TestServer();
  await server.listen();
  await server.stop();
  const queue = filled(3);
  const { forwarder, logged } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('several attempts', () => (forwarder.status()[0]?.failures ?? 0) >= 3);
  assert.equal(forwarder.status()[0]?.lastError?.message.includes('ECONNREFUSED'), true);
  assert.deepEqual(logged, [`warn: ${server.url}: connect ECONNREFUSED ${server.host}:${server.port}`]);
  await server.listen();
  undoAtEnd(t, () => server.stop());
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.equal(logged.length, 2);
});

test('a silent server is found out by the heartbeat', async (t) => {
  const server = await TestServer.start(t, { autoPong: false });
  const tuning = { heartbeatMs: 20, silentAfterMs: 60 };
  const clock = stopClock(t, ['setInterval']);
  const { forwarder, logged } = startForwarder(t, filled(0), settings([server.url]), { tuning });
  await waitUntil('connected', () => forwarder.status()[0]?.state === 'up');
  // The first beat finds that the kernel has taken the hello, a sign of life.
  clock.pass(20);
  clock.pass(60);
  assert.equal(forwarder.status()[0]?.state, 'up');
  clock.pass(20);
  assert.equal(forwarder.status()[0]?.state, 'down');
  await waitUntil('connected again', () => forwarder.status()[0]?.connections === 2);
  assert.ok(logged.some((line) => line.includes('nothing heard from the server for 60 ms')));
});

test('a server that answers is kept, however quiet it is', async (t) => {
  const server = await TestServer.start(t);
  const tuning = { heartbeatMs: 50, silentAfterMs: 400 };
  const clock = stopClock(t, ['setInterval']);
  const heard = t.mock.method(Pulse.prototype, 'heard');
  const queue = filled(1);
  const { forwarder } = startForwarder(t, queue, settings([server.url]), { tuning });
  await waitUntil('the batch is acknowledged', () => queue.emptyFor('any'));
  for (let beat = 1; beat <= 24; beat += 1) {
    const before = heard.mock.callCount();
    clock.pass(50);
    await waitUntil(`ping ${beat} is answered`, () => heard.mock.callCount() > before);
  }
  assert.equal(forwarder.status()[0]?.state, 'up');
  assert.equal(forwarder.status()[0]?.connections, 1);
});

test('a server that accepts and never acknowledges is connected to anew', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = filled(2);
  const tuning = { heartbeatMs: 20, ackTimeoutMs: 100 };
  const clock = stopClock(t, ['setInterval']);
  const { forwarder, logged } = startForwarder(t, queue, settings([server.url]), { tuning });
  await waitUntil('it was sent', () => server.received === 2);
  clock.pass(100);
  assert.equal(forwarder.status()[0]?.state, 'up');
  clock.pass(20);
  assert.equal(forwarder.status()[0]?.state, 'down');
  await waitUntil('it was sent again', () => server.received === 4);
  assert.ok(logged.some((line) => line.includes('acknowledged nothing for 100 ms')));
  server.acknowledge = true;
  clock.pass(120);
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, ['0', '1']);
});

test('a server that says that it ends, and neither acknowledges nor ends, is connected to anew', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = filled(2);
  const tuning = { heartbeatMs: 20, ackTimeoutMs: 100 };
  const { forwarder, logged } = startForwarder(t, queue, settings([server.url]), { tuning });
  await waitUntil('all are there', () => server.unacknowledged === 2);
  server.tell({ type: 'status', state: 'draining', reason: 'it ends' });
  await waitUntil('it drains', () => forwarder.status()[0]?.state === 'draining');
  server.acknowledge = true;
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.ok(logged.some((line) => line.includes('acknowledged nothing for 100 ms')));
  assert.deepEqual(server.applied, ['0', '1']);
});

test('a server that never welcomes us is given up after the timeout', async (t) => {
  const server = await TestServer.start(t, { greet: () => [] });
  const tuning = { handshakeTimeoutMs: 500 };
  const { logged } = startForwarder(t, filled(1), settings([server.url]), { tuning });
  await waitUntil('two attempts', () => server.hellos.length >= 2);
  assert.deepEqual(logged, [`warn: ${server.url}: no welcome within 500 ms`]);
  assert.equal(server.received, 0);
});

test('a refusal of the protocol is told and logged once, and tried again later', async (t) => {
  const message =
    'this server speaks protocol 0, the source speaks protocol 1: upgrade the k2hft of the server';
  const server = await TestServer.start(t, { greet: () => [{ type: 'error', code: 'protocol', message }] });
  const { forwarder, logged } = startForwarder(t, filled(1), settings([server.url]));
  await waitUntil('several attempts', () => server.hellos.length >= 4);
  assert.deepEqual(logged, [`error: ${server.url}: the server refuses: ${message} (protocol)`]);
  assert.equal(forwarder.status()[0]?.lastError?.message, `the server refuses: ${message} (protocol)`);
});

test('a server of another protocol is told who has to be upgraded', async (t) => {
  const server = await TestServer.start(t, { greet: () => [{ ...WELCOME, protocol: 2 }] });
  const { logged } = startForwarder(t, filled(1), settings([server.url]));
  await waitUntil('the server hears of it', () => server.errors.length >= 1);
  const expected =
    'this server speaks protocol 2, the source speaks protocol 1: upgrade the k2hft of the source';
  assert.deepEqual(server.errors[0], { type: 'error', code: 'protocol', message: expected });
  assert.deepEqual(logged, [`error: ${server.url}: ${expected}`]);
});

test('nonsense from a server ends the connection and nothing else', async (t) => {
  const server = await TestServer.start(t);
  const queue = filled(1);
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('the first', () => queue.emptyFor('any'));
  const nonsense = [
    Buffer.from('01dd7fffffff', 'hex'),
    Buffer.alloc(0),
    Buffer.from('text'),
    Buffer.from([0xb7, 1, 2]),
  ];
  for (const [round, bytes] of nonsense.entries()) {
    await waitUntil('connected', () => forwarder.status()[0]?.state === 'up');
    server.tell(bytes);
    await waitUntil('connected anew', () => (forwarder.status()[0]?.connections ?? 0) >= round + 2);
  }
  await waitUntil('connected', () => forwarder.status()[0]?.state === 'up');
  server.tell(WELCOME);
  await waitUntil('a second welcome is nonsense too', () => (forwarder.status()[0]?.connections ?? 0) >= 6);
  queue.append('1');
  await waitUntil('the second', () => queue.emptyFor('any'));
});

test('acknowledgements twice, and of what was never sent, do no harm', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = filled(5);
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('all are there', () => server.received === 5);
  server.tell(
    { type: 'ack', epoch: 7, ranges: [[1, 5]] },
    { type: 'ack', epoch: 1, ranges: [[4, 1_000_000]] },
  );
  await waitUntil('two are acknowledged', () => forwarder.status()[0]?.acked.batches === 2);
  queue.append('5');
  forwarder.noticed();
  await waitUntil('the next is sent, though its number was acknowledged before', () => server.received === 6);
  server.acknowledgeNow();
  server.acknowledgeNow();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, numbers(0, 6));
  assert.equal(forwarder.status()[0]?.acked.batches, 6);
});

test('a full server is sent nothing until it has room', async (t) => {
  const full: ControlMessage = { type: 'status', state: 'full', reason: 'no space left on /var/log' };
  const server = await TestServer.start(t, { greet: () => [WELCOME, full] });
  const queue = filled(1);
  const { forwarder, logged } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('it is full', () => forwarder.status()[0]?.state === 'full');
  // It may have been sent something between the two messages.
  const before = forwarder.status()[0]?.sent.batches;
  await waitUntil('what was sent is there', () => server.received === before);
  queue.append('1');
  forwarder.noticed();
  await sleep(50);
  assert.equal(server.received, before);
  assert.ok(logged.includes(`warn: ${server.url}: the server is full: no space left on /var/log`));
  server.tell({ type: 'status', state: 'accepting', reason: '' });
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.ok(logged.includes(`info: ${server.url}: the server is accepting`));
});

test('the token is read at each connection', async (t) => {
  const tokenFile = join(temporaryFolder(t), 'token');
  const server = await TestServer.start(t);
  const { forwarder, logged } = startForwarder(t, filled(1), settings([server.url], { tokenFile }));
  await waitUntil('it complains', () => logged.length > 0);
  assert.match(logged[0] ?? '', /ENOENT.*token/);
  writeFileSync(tokenFile, 'secret-one\n');
  await waitUntil('connected', () => forwarder.status()[0]?.state === 'up');
  writeFileSync(tokenFile, 'secret-two\n');
  server.dropConnections();
  await waitUntil('connected again', () => server.hellos.length === 2);
  assert.deepEqual(
    server.hellos.map((hello) => hello.token),
    ['secret-one', 'secret-two'],
  );
});
