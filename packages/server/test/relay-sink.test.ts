import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { waitUntil } from '@k2hft/test-harness';
import { decodeBatch, encodeAttributes, type Batch } from '@k2hft/wire';
import { RelaySink } from '../src/relay-sink.js';
import type { SinkWait } from '../src/sink.js';
import { MemoryRelayQueue, RELAY } from './memory-relay-queue.js';
import { makeBatch, SOURCE_A, SOURCE_B, type BatchToSend } from './source-client.js';

type WhenFull = 'block' | 'drop_oldest' | 'drop_newest';

function sinkOn(
  queue: MemoryRelayQueue,
  whenFull: WhenFull = 'block',
): { sink: RelaySink; wait: SinkWait; reasons: (string | undefined)[]; logged: string[]; stop: () => void } {
  const reasons: (string | undefined)[] = [];
  const logged: string[] = [];
  const stopping = new AbortController();
  const sink = new RelaySink({
    queue,
    settings: { dir: '/queue', whenFull },
    log: (_level, message) => logged.push(message),
    stored: () => undefined,
  });
  const wait: SinkWait = { signal: stopping.signal, blocked: (reason) => reasons.push(reason) };
  const stop = (): void => {
    stopping.abort();
  };
  return { sink, wait, reasons, logged, stop };
}

function batchOf(batch: BatchToSend): Batch {
  return decodeBatch(makeBatch(batch), 0);
}

function numbered(from: number, to: number): Batch[] {
  return Array.from({ length: to - from }, (_, index) =>
    batchOf({ sequence: from + index, payload: `${from + index}\n` }),
  );
}

test('batches are in the queue in the order in which they were taken, each once', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait } = sinkOn(queue);
  for (const batch of numbered(1, 4)) sink.take(batch, SOURCE_A);
  for (const batch of numbered(2, 5)) sink.take(batch, SOURCE_A);
  for (const batch of numbered(1, 2)) sink.take(batch, SOURCE_B);
  await sink.save(wait);
  assert.deepEqual(queue.payloads(), ['1\n', '2\n', '3\n', '4\n', '1\n']);
  assert.deepEqual(
    queue.batches.map(({ epoch, sequence, route }) => [epoch, sequence, route?.origin, route?.via]),
    [SOURCE_A, SOURCE_A, SOURCE_A, SOURCE_A, SOURCE_B].map((origin, index) => [
      1,
      index + 1,
      origin,
      [RELAY],
    ]),
  );
  assert.equal(sink.waitingBytes, 0);
  for (const batch of numbered(1, 5)) sink.take(batch, SOURCE_A);
  await sink.save(wait);
  assert.equal(queue.batches.length, 5);
});

test('a sink that is made anew knows what the queue has, and nothing else', async () => {
  const queue = new MemoryRelayQueue();
  const killed = sinkOn(queue);
  for (const batch of numbered(1, 4)) killed.sink.take(batch, SOURCE_A);
  await killed.sink.save(killed.wait);
  // Taken, but not in the queue when the process dies.
  for (const batch of numbered(4, 6)) killed.sink.take(batch, SOURCE_A);
  const { sink, wait } = sinkOn(queue);
  for (const batch of numbered(1, 6)) sink.take(batch, SOURCE_A);
  await sink.save(wait);
  assert.deepEqual(queue.payloads(), ['1\n', '2\n', '3\n', '4\n', '5\n']);
});

test('what is below a floor counts as taken', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait } = sinkOn(queue);
  sink.raiseFloor(SOURCE_A, { epoch: 1, sequence: 4 });
  for (const batch of numbered(3, 5)) sink.take(batch, SOURCE_A);
  await sink.save(wait);
  assert.deepEqual(queue.payloads(), ['4\n']);
});

test('a large group takes several transactions, each with the rows of its own batches', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait } = sinkOn(queue);
  const payload = Buffer.alloc(3 * 1024 * 1024, 0x61);
  for (let sequence = 1; sequence <= 3; sequence++) sink.take(batchOf({ sequence, payload }), SOURCE_A);
  const append = queue.append.bind(queue);
  queue.append = async (batches, rows) => {
    if (queue.batches.length === 2) throw new Error('killed here');
    await append(batches, rows);
  };
  await assert.rejects(sink.save(wait), /killed here/);
  queue.append = append;
  const renewed = sinkOn(queue);
  for (let sequence = 1; sequence <= 3; sequence++)
    renewed.sink.take(batchOf({ sequence, payload }), SOURCE_A);
  await renewed.sink.save(renewed.wait);
  assert.equal(queue.batches.length, 3);
});

test('a full queue is waited for, and the reason is told when it takes long', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait, reasons } = sinkOn(queue);
  const [first, ...others] = numbered(1, 6);
  assert.ok(first);
  sink.take(first, SOURCE_A);
  await sink.save(wait);
  queue.capacityBytes = 3 * queue.usedBytes;
  for (const batch of others) sink.take(batch, SOURCE_A);
  const saved = sink.save(wait);
  await waitUntil('the reason', () => reasons.length > 0);
  assert.match(reasons[0] ?? '', /the relay's queue \/queue is full/);
  assert.deepEqual(queue.payloads(), ['1\n', '2\n', '3\n'], 'what fits is there already');
  queue.capacityBytes = Infinity;
  await saved;
  assert.deepEqual(queue.payloads(), ['1\n', '2\n', '3\n', '4\n', '5\n']);
});

test('whoever waits for room gives up when the server ends, and goes on afterwards', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait, stop } = sinkOn(queue);
  queue.capacityBytes = 1;
  for (const batch of numbered(1, 3)) sink.take(batch, SOURCE_A);
  const saved = sink.save(wait);
  stop();
  await assert.rejects(saved, { name: 'AbortError' });
  queue.capacityBytes = Infinity;
  await sink.save({ signal: new AbortController().signal, blocked: () => undefined });
  assert.deepEqual(queue.payloads(), ['1\n', '2\n']);
});

test('drop_newest gives up what does not fit, and says so once', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait, logged } = sinkOn(queue, 'drop_newest');
  queue.capacityBytes = 400;
  for (const batch of numbered(1, 10)) sink.take(batch, SOURCE_A);
  await sink.save(wait);
  const kept = queue.batches.length;
  assert.ok(kept > 0 && kept < 9);
  assert.deepEqual(
    queue.payloads(),
    numbered(1, kept + 1).map(({ payload }) => payload.toString()),
  );
  assert.equal(logged.length, 1);
  await sink.close();
  assert.equal(logged.length, 2);
  queue.capacityBytes = Infinity;
  for (const batch of numbered(1, 11)) sink.take(batch, SOURCE_A);
  await sink.save(wait);
  assert.deepEqual(queue.payloads().slice(kept), ['10\n'], 'what was given up does not come back');
});

test('drop_oldest makes room', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait, logged } = sinkOn(queue, 'drop_oldest');
  for (const batch of numbered(1, 4)) sink.take(batch, SOURCE_A);
  await sink.save(wait);
  queue.capacityBytes = queue.usedBytes;
  for (const batch of numbered(4, 5)) sink.take(batch, SOURCE_A);
  await sink.save(wait);
  assert.deepEqual(queue.payloads(), ['3\n', '4\n']);
  assert.match(logged[0] ?? '', /2 records in 2 batches were dropped .*drop_oldest/);
});

test('a disk that fails is tried again; a fault of ours is not', async () => {
  const queue = new MemoryRelayQueue();
  const { sink, wait, reasons } = sinkOn(queue);
  queue.failure = 'store_failed';
  for (const batch of numbered(1, 2)) sink.take(batch, SOURCE_A);
  const saved = sink.save(wait);
  await waitUntil('the reason', () => reasons.length > 0);
  assert.match(reasons[0] ?? '', /cannot write to the relay's queue \/queue: as the test says/);
  queue.failure = undefined;
  await saved;
  assert.deepEqual(queue.payloads(), ['1\n']);
  queue.failure = 'damaged';
  for (const batch of numbered(2, 3)) sink.take(batch, SOURCE_A);
  await assert.rejects(sink.save(wait), { code: 'damaged' });
});

test('what comes back to a relay, and what has gone through too many, is refused', () => {
  const { sink } = sinkOn(new MemoryRelayQueue());
  const through = (...via: string[]): Batch => ({ ...batchOf({}), route: { origin: SOURCE_A, via } });
  const other = (index: number): string => `20000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const many = Array.from({ length: 16 }, (_, index) => other(index));
  sink.admit(batchOf({}));
  sink.admit(through(other(1), other(2)));
  assert.throws(
    () => {
      sink.admit(through(other(1), RELAY));
    },
    { code: 'loop', message: /servers\.urls/ },
  );
  assert.throws(
    () => {
      sink.admit(through(...many));
    },
    { code: 'loop', message: /gone through 16 relays/ },
  );
  assert.throws(
    () => {
      sink.admitSource(RELAY);
    },
    { code: 'loop', message: /sends to itself/ },
  );
  sink.admitSource(SOURCE_A);
});

test('a batch that is too long for the queue is refused, not taken', () => {
  const { sink } = sinkOn(new MemoryRelayQueue());
  const attributes = encodeAttributes({ path: Buffer.from('a.log'), host: 'host1' });
  const payload = Buffer.alloc(16 * 1024 * 1024 - 64 - attributes.length);
  assert.throws(
    () => {
      sink.admit(batchOf({ payload }));
    },
    { code: 'too_long' },
  );
});
