import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, waitUntil } from '@k2hft/test-harness';
import { MemoryQueue } from './helpers/memory-queue.js';
import { NEVER_MS, numbers, settings, startForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

function filled(count: number): MemoryQueue {
  const queue = new MemoryQueue();
  for (const number of numbers(0, count)) queue.append(number);
  return queue;
}

test('everything arrives in order, packed, and is acknowledged', async (t) => {
  const server = await TestServer.start(t);
  const queue = filled(2_000);
  const rates: number[] = [];
  const { forwarder, logged } = startForwarder(t, queue, settings([server.url]), {
    onProgress: () => rates.push(forwarder.status()[0]?.rate.recordsPerSecond ?? 0),
  });
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, numbers(0, 2_000));
  assert.equal(server.doubled, 0);
  assert.ok(server.messages < 20, `${server.messages} messages`);
  assert.ok(server.longestMessageBytes <= 256 * 1024);
  assert.ok(rates.length > 0 && rates.every((rate) => rate > 0), String(rates));
  assert.deepEqual(server.kinds.slice(0, 3), ['hello', 'floor', 'batches']);
  assert.deepEqual(server.hellos[0], {
    type: 'hello',
    protocol: 1,
    source: queue.source,
    epoch: 1,
    host: 'test',
    software: 'k2hft test',
    token: undefined,
    compressions: undefined,
  });
  const [status] = forwarder.status();
  assert.equal(status?.state, 'up');
  assert.equal(status.software, 'test server');
  assert.equal(status.acked.records, 2_000);
  assert.deepEqual(status.acked, status.sent);
  assert.deepEqual(status.inFlight, { batches: 0, records: 0, bytes: 0 });
  assert.deepEqual(logged, [`info: ${server.url}: connected (test server)`]);
});

test('what comes later is sent when it is noticed, also across epochs, with floors before it', async (t) => {
  const server = await TestServer.start(t);
  const queue = filled(1);
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('the first', () => queue.emptyFor('any'));
  for (let round = 1; round <= 20; round += 1) {
    if (round === 10) queue.nextEpoch();
    queue.append(String(round));
    forwarder.noticed();
    await waitUntil(`round ${round}`, () => queue.emptyFor('any'));
    await sleep(2);
  }
  assert.deepEqual(server.applied, numbers(0, 21));
  const last = server.floors.at(-1);
  assert.ok(last?.epoch === 2 && last.sequence > 1);
});

test('a batch whose wake was lost is found by the safety poll', async (t) => {
  const server = await TestServer.start(t);
  const queue = filled(1);
  startForwarder(t, queue, settings([server.url]));
  await waitUntil('the first', () => queue.emptyFor('any'));
  await sleep(50);
  queue.append('1');
  await waitUntil('the second', () => queue.emptyFor('any'));
});

test('a batch that cannot be read yet is asked for again, without a wake', async (t) => {
  const server = await TestServer.start(t);
  const queue = filled(1);
  queue.notReadyAfter = { epoch: 1, sequence: 1 };
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('the first', () => queue.emptyFor('any'));
  queue.append('1');
  forwarder.noticed();
  await sleep(30);
  const readsBefore = queue.reads;
  queue.notReadyAfter = undefined;
  await waitUntil('the second', () => queue.emptyFor('any'));
  assert.ok(readsBefore < 50, `${readsBefore} reads: waiting is no spinning`);
});

test('a long batch goes as a message of its own, whole', async (t) => {
  const server = await TestServer.start(t);
  const queue = new MemoryQueue();
  const long = Buffer.alloc(9 * 1024 * 1024, 'abcdefg');
  queue.append('0');
  queue.append(long);
  queue.append('1');
  startForwarder(t, queue, settings([server.url]));
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, ['0', long.toString('latin1'), '1']);
});

test('no more than the window is in flight', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = new MemoryQueue();
  for (const number of numbers(0, 64)) queue.append(Buffer.alloc(32 * 1024, number));
  const windowBytes = 256 * 1024;
  const { forwarder } = startForwarder(t, queue, settings([server.url]), { tuning: { windowBytes } });
  await waitUntil('the window is full', () => server.received >= 8);
  let mostBytes = 0;
  while (!queue.emptyFor('any')) {
    await sleep(5);
    const inFlightBytes = forwarder.status()[0]?.inFlight.bytes ?? 0;
    mostBytes = Math.max(mostBytes, inFlightBytes);
    server.acknowledgeNow(3);
  }
  // The batch that fills the window may reach over its edge.
  assert.ok(mostBytes > windowBytes / 2 && mostBytes <= windowBytes + 40 * 1024, `${mostBytes} bytes`);
  assert.equal(server.applied.length, 64);
});

test('a socket that does not take more is not given more', async (t) => {
  const server = await TestServer.start(t);
  const queue = filled(1);
  const { forwarder } = startForwarder(t, queue, settings([server.url]), {
    tuning: { bufferedBytesMax: 64 * 1024 },
  });
  await waitUntil('the first', () => queue.emptyFor('any'));
  server.pauseConnections();
  for (const number of numbers(0, 200)) queue.append(Buffer.alloc(128 * 1024, number));
  forwarder.noticed();
  await sleep(300);
  const sentBytes = forwarder.status()[0]?.sent.bytes ?? 0;
  assert.ok(sentBytes < 16 * 1024 * 1024, `${sentBytes} bytes`);
  server.resumeConnections();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.equal(server.applied.length, 201);
});

test('linger gathers until its time is over or the records are there', async (t) => {
  const server = await TestServer.start(t);
  const queue = new MemoryQueue();
  const linger = { lingerMs: NEVER_MS, lingerRecords: 10 };
  const { forwarder } = startForwarder(t, queue, settings([server.url], linger));
  await waitUntil('connected', () => forwarder.status()[0]?.state === 'up');
  for (const number of numbers(0, 25)) {
    queue.append(number);
    forwarder.noticed();
    await sleep(3);
  }
  await waitUntil('two gatherings', () => server.received >= 20);
  await sleep(20);
  assert.equal(server.received, 20);
  assert.equal(server.messages, 2);
  await forwarder.stop(NEVER_MS);
  assert.deepEqual(server.applied, numbers(0, 25));
});

test('linger ends by itself', async (t) => {
  const server = await TestServer.start(t);
  const queue = new MemoryQueue();
  const { forwarder } = startForwarder(t, queue, settings([server.url], { lingerMs: 200 }));
  await waitUntil('connected', () => forwarder.status()[0]?.state === 'up');
  for (const number of numbers(0, 10)) queue.append(number);
  forwarder.noticed();
  await waitUntil('all are acknowledged', () => queue.emptyFor('any'));
  assert.equal(server.messages, 1);
});

test('stop waits for what is in flight, within the time that it is given', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = filled(10);
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('all are there', () => server.received === 10);
  queue.append('10');
  const stopped = forwarder.stop(NEVER_MS);
  await waitUntil('the last look', () => server.received === 11);
  await sleep(20);
  server.acknowledgeNow();
  await stopped;
  assert.ok(queue.emptyFor('any'));
  assert.equal(forwarder.status()[0]?.state, 'stopped');
});

test('stop ends in time when nothing is acknowledged, and when nobody is there', async (t) => {
  const server = await TestServer.start(t);
  server.acknowledge = false;
  const queue = filled(10);
  const { forwarder } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('all are there', () => server.received === 10);
  await forwarder.stop(50);
  assert.equal(queue.emptyFor('any'), false);
  const lonely = startForwarder(t, filled(1), settings(['ws://127.0.0.1:1']));
  // Otherwise it would take an hour.
  await lonely.forwarder.stop(NEVER_MS);
});

test('stop does not wait for what only another forwarder can send again', async (t) => {
  const [breaks, stays] = [await TestServer.start(t), await TestServer.start(t)];
  breaks.acknowledge = false;
  stays.acknowledge = false;
  const chosen = settings([breaks.url, stays.url], { deliver: 'broadcast' });
  const { forwarder } = startForwarder(t, filled(5), chosen);
  await waitUntil('both have all', () => breaks.received === 5 && stays.received === 5);
  const stopped = forwarder.stop(3_600_000);
  breaks.dropConnections();
  await waitUntil('it is back', () => forwarder.status()[0]?.connections === 2);
  stays.acknowledgeNow();
  await stopped;
  assert.equal(breaks.received, 5);
});

test('a batch that is damaged in the queue is given up, and the others arrive', async (t) => {
  const server = await TestServer.start(t);
  const queue = filled(1);
  const { forwarder, logged } = startForwarder(t, queue, settings([server.url]));
  await waitUntil('the first', () => queue.emptyFor('any'));
  queue.append('1');
  const { epoch, sequence } = queue.append('damaged');
  const damaged = queue.batches.at(-1)?.bytes;
  damaged?.writeUInt8(0xff, damaged.length - 1);
  queue.append('2');
  forwarder.noticed();
  await waitUntil('the others', () => queue.emptyFor('any'));
  assert.deepEqual(server.applied, ['0', '1', '2']);
  assert.equal(forwarder.damaged(), 1);
  assert.ok(
    logged.some((line) => line.startsWith(`error: batch ${epoch}/${sequence} is damaged`)),
    logged.join('\n'),
  );
});
