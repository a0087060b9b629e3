import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchFlag } from '@k2hft/wire';
import { WallClock } from '../src/wall-clock.js';
import { Site } from './capture-site.js';
import { FakeQueue } from './fake-queue.js';
import { streamRule } from './rule-settings.js';

const BINARY = streamRule({ send: 'binary' });
const CHUNK_BYTES = 81_920;

function opened(): { queue: FakeQueue; site: Site } {
  const queue = new FakeQueue();
  const site = new Site(queue, BINARY);
  site.open(1);
  return { queue, site };
}

void test('bytes gather until a flush, and a chunk is one record', () => {
  const { queue, site } = opened();
  site.write(1, 2, 0, Buffer.from([0, 10, 255]));
  site.write(1, 4, 3, Buffer.from([10]));
  assert.equal(queue.batches.length, 0);
  site.capture.flush(1);
  site.capture.flush(1);
  site.write(1, 6, 4, Buffer.from([1]));
  site.capture.end(1);
  assert.deepEqual(
    queue.batches.map(({ payload, flags, recordCount }) => [[...payload], flags, recordCount]),
    [
      [[0, 10, 255, 10], BatchFlag.BINARY, 1],
      [[1], BatchFlag.BINARY | BatchFlag.STREAM_END, 1],
    ],
  );
});

void test('80 KiB are a chunk, and a large write goes out with what has gathered', () => {
  const { queue, site } = opened();
  const sizes = [CHUNK_BYTES - 1, 1, 5, CHUNK_BYTES, 2 * CHUNK_BYTES, 7];
  let offset = 0;
  sizes.forEach((size, index) => {
    site.write(1, 2 * index + 2, offset, Buffer.alloc(size, index));
    offset += size;
  });
  site.capture.end(1);
  assert.deepEqual(
    queue.batches.map(({ payload }) => payload.length),
    [CHUNK_BYTES, CHUNK_BYTES + 5, 2 * CHUNK_BYTES, 7],
  );
});

void test('line_timeout ends a chunk as well', () => {
  const queue = new FakeQueue();
  const clock = new WallClock();
  let nowMs = 1000;
  clock.nowMs = () => nowMs;
  const site = new Site(queue, streamRule({ send: 'binary', lineTimeoutMs: 1 }), 0, clock);
  site.open(1);
  site.write(1, 2, 0, Buffer.from('abc'));
  site.capture.expireRests();
  assert.equal(queue.textOf(1), '');
  nowMs += 5;
  site.capture.expireRests();
  assert.equal(queue.textOf(1), 'abc');
});

void test('the bytes arrive in order, whoever dies and whatever fails', () => {
  const write = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.integer({ min: 1, max: 100_000 }).map((size) => Buffer.alloc(size, size)),
  );
  fc.assert(
    fc.property(
      fc.array(write, { maxLength: 12 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 6 })),
      (writes, luck) => {
        const opening = opened();
        const { queue } = opening;
        let { site } = opening;
        let offset = 0;
        writes.forEach((bytes, index) => {
          const chance = luck.next().value as number;
          queue.failing = chance === 0;
          const attempt = () => {
            site.write(1, 2 * index + 2, offset, bytes);
          };
          if (queue.failing) assert.throws(attempt);
          queue.failing = false;
          if (chance === 1) {
            site = new Site(queue, BINARY);
            site.capture.restore(new Set([1]));
          }
          attempt();
          offset += bytes.length;
          if (chance === 2) site.capture.flush(1);
          if (chance === 3) {
            site.capture.makeRestDurable(1);
            site.store();
          }
        });
        site.capture.end(1);
        assert.equal(queue.textOf(1), Buffer.concat(writes).toString('latin1'));
        assert.ok(queue.batches.every(({ flags }) => (flags & BatchFlag.BINARY) !== 0));
        assert.deepEqual(queue.keys(), []);
      },
    ),
    { numRuns: 100 },
  );
});
