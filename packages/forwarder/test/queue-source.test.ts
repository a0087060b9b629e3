import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HotQueue, QueueDrain, type QueueOptions } from '@k2hft/queue';
import { temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { BatchFlag, inspectBatch } from '@k2hft/wire';
import { Forwarder, cursorsOf, type QueueSource } from '../src/index.js';
import { makeBatch } from './helpers/memory-queue.js';
import { numbers, settings, TUNING } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

const SETTINGS: QueueOptions = {
  maxSizeBytes: 64 * 1024 * 1024,
  minFree: { bytes: 0 },
  checkpointMs: 60_000,
  expireMs: 0,
};

function append(queue: HotQueue, payload: string, flags = 0): void {
  const sequence = queue.nextSequence();
  const bytes = makeBatch({ epoch: queue.epoch, sequence }, Buffer.from(payload), flags);
  queue.append([{ sequence, bytes }], new Map());
}

test('the real queue is drained in order, through breaks and forwarders that follow each other', async (t) => {
  const dir = temporaryFolder(t);
  const server = await TestServer.start(t);
  const servers = settings([server.url]);
  const hot = HotQueue.open({ dir, settings: SETTINGS, inspect: inspectBatch });
  undoAtEnd(t, () => {
    hot.close();
  });
  for (let round = 0; round < 3; round += 1) {
    server.acknowledge = round > 0;
    const drain = await QueueDrain.open({
      dir,
      settings: SETTINGS,
      cursors: cursorsOf(servers),
      inspect: inspectBatch,
      onFault: ({ message }) => assert.fail(message),
    });
    const queue: QueueSource = drain;
    const forwarder = new Forwarder({
      queue,
      servers,
      host: 'test',
      software: 'k2hft test',
      log: () => undefined,
      tuning: TUNING,
    });
    forwarder.start();
    for (const number of numbers(round * 200, round * 200 + 200)) {
      // Some have to be in the store before they may be sent, with nobody to say when they are.
      append(hot, number, Number(number) % 50 === 49 ? BatchFlag.DURABLE_FIRST : 0);
      if (Number(number) % 70 === 0) server.dropConnections();
      forwarder.noticed();
    }
    await waitUntil(`round ${round}`, () => server.applied.length === round * 200 + 200);
    if (round > 0)
      await waitUntil('all are acknowledged', () => queue.floor('any').sequence === round * 200 + 201);
    // The first forwarder ends with everything unacknowledged: the second has to send it again.
    await forwarder.stop(0);
    await drain.close();
  }
  assert.deepEqual(server.applied, numbers(0, 600));
});
