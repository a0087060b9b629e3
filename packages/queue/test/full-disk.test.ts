import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { POSITION_ZERO, QueueError } from '../src/index.js';
import { checkBatch, makeBatch } from './helpers/batches.js';
import { appendSome, openDirect, sequencesOf } from './helpers/direct.js';
import { openBoth, openHot } from './helpers/queues.js';

const MIB = 1024 * 1024;
const skip = process.getuid?.() === 0 ? false : 'mounting a tmpfs needs root';

function smallDisk(t: TestContext, mebibytes: number): string {
  const disk = mkdtempSync(join(tmpdir(), 'k2hft-test-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', disk]);
  undoAtEnd(t, () => {
    execFileSync('umount', ['-l', disk]);
    rmdirSync(disk);
  });
  return disk;
}

function fillUntil(disk: string, leftBytes: number): string {
  const ballast = join(disk, 'ballast');
  const { bavail, bsize } = statfsSync(disk);
  writeAsMuchAsFits(ballast, Math.max(0, bavail * bsize - leftBytes));
  return ballast;
}

/** The queue may be writing as well. */
function writeAsMuchAsFits(file: string, bytes: number): void {
  try {
    writeFileSync(file, Buffer.alloc(bytes));
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error));
  }
}

test(
  'a full disk refuses appends, keeps everything, and takes them again when there is room',
  { skip },
  async (t) => {
    const disk = smallDisk(t, 24);
    const { hot, drain } = await openBoth(t, join(disk, 'queue'));
    let refused: unknown;
    while (refused === undefined) {
      const sequence = hot.nextSequence();
      try {
        hot.append(
          [{ sequence, bytes: makeBatch({ sequence, payloadBytes: 200_000 }) }],
          new Map([['h1', Buffer.from(`${sequence}`)]]),
        );
      } catch (error) {
        refused = error;
      }
    }
    assert.ok(refused instanceof QueueError && refused.code === 'no_space', 'the refusal says no_space');
    const written = hot.nextSequence() - 1;
    assert.ok(written > 50);
    assert.equal(hot.row('h1')?.toString(), `${written}`, 'nothing of the refused transaction is there');
    const found = drain.read('a', POSITION_ZERO, 1e9, 1e6);
    assert.equal(found.length, written);
    for (const { position, bytes } of found) checkBatch(position, bytes);
    drain.ack('a', hot.epoch, [[1, written]]);
    while (hot.collect());
    const sequence = hot.nextSequence();
    hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: 200_000 }) }]);
    assert.equal(drain.read('a', POSITION_ZERO, 1e9, 10).length, 1);
  },
);

test('a disk that others fill under the queue refuses, and recovers', { skip }, async (t) => {
  const disk = smallDisk(t, 24);
  const { hot, drain } = await openBoth(t, join(disk, 'queue'));
  const append = (): void => {
    const sequence = hot.nextSequence();
    hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: 100_000 }) }]);
  };
  for (let count = 0; count < 10; count++) append();
  const ballast = fillUntil(disk, 0);
  assert.throws(
    () => {
      for (let count = 0; count < 300; count++) append();
    },
    (error) => error instanceof QueueError && error.code === 'no_space',
  );
  const written = hot.nextSequence() - 1;
  rmSync(ballast);
  hot.collect();
  append();
  const found = drain.read('a', POSITION_ZERO, 1e9, 1e6);
  assert.equal(found.length, written + 1);
  for (const { position, bytes } of found) checkBatch(position, bytes);
});

test('without room nothing is opened', { skip }, (t) => {
  const disk = smallDisk(t, 8);
  mkdirSync(join(disk, 'queue'));
  openHot(join(disk, 'queue')).close();
  fillUntil(disk, 200_000);
  assert.throws(
    () => openHot(join(disk, 'queue')),
    (error) => error instanceof QueueError && error.code === 'no_room',
  );
});

test(
  'a store that cannot be written reports it, keeps batches in hot, and goes on by itself',
  { skip },
  async (t) => {
    const disk = smallDisk(t, 24);
    const { hot, drain, faults } = await openBoth(t, join(disk, 'queue'), { settings: { checkpointMs: 50 } });
    for (let sequence = 1; sequence <= 40; sequence++) {
      hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: 100_000 }) }]);
    }
    const ballast = fillUntil(disk, 1.5 * MIB);
    await assert.rejects(
      drain.checkpoint(true),
      (error) => error instanceof QueueError && error.code === 'no_space',
    );
    await waitUntil('the fault is told', () => faults.length > 0);
    assert.equal(faults[0]?.code, 'no_space');
    assert.equal(hot.checkpointed().sequence, 0);
    assert.equal(drain.read('a', POSITION_ZERO, 1e9, 1e6).length, 40);
    rmSync(ballast);
    await waitUntil('the store is written', () => hot.checkpointed().sequence === 40);
    const found = drain.read('a', POSITION_ZERO, 1e9, 1e6);
    assert.equal(found.length, 40);
    for (const { position, bytes } of found) checkBatch(position, bytes);
  },
);

test('a disk that is full in the middle of a checkpoint loses nothing', { skip }, async (t) => {
  const disk = smallDisk(t, 24);
  // The bound of the queue is asked before; this way it is the disk itself that refuses.
  const { hot, drain } = await openBoth(t, join(disk, 'queue'), { settings: { checkpointMs: 600_000 } });
  for (let sequence = 1; sequence <= 60; sequence++) {
    hot.append([{ sequence, bytes: makeBatch({ sequence, payloadBytes: 100_000 }) }]);
  }
  fillUntil(disk, 8.3 * MIB);
  const checkpoint = drain.checkpoint(true);
  const ballast = join(disk, 'more');
  writeAsMuchAsFits(ballast, 6 * MIB);
  await checkpoint.catch(() => undefined);
  rmSync(ballast);
  const found = drain.read('a', POSITION_ZERO, 1e9, 1e6);
  assert.equal(found.length, 60);
  for (const { position, bytes } of found) checkBatch(position, bytes);
  assert.deepEqual(drain.statistics().lost, {});
});

test('a direct queue gives a small disk back when everything is acked', { skip }, async (t) => {
  const disk = smallDisk(t, 24);
  const rows = new Map([['row', Buffer.from('kept')]]);
  const { queue } = await openDirect(join(disk, 'queue'));
  for (let round = 0; round < 3; round++) {
    await assert.rejects(
      async () => {
        for (;;) await appendSome(queue, 1, rows, 500_000);
      },
      (error) => error instanceof QueueError && error.code === 'no_space',
    );
    const found = queue.read('a', queue.floor('a'), 1e9, 1e6);
    const [first, last] = [found[0]?.position, found.at(-1)?.position];
    assert.ok(first !== undefined && last !== undefined && found.length > 20);
    queue.ack('a', last.epoch, [[first.sequence, last.sequence]]);
  }
  assert.equal(queue.ledger().get('row')?.toString(), 'kept');
  await queue.close();
  const again = await openDirect(join(disk, 'queue'));
  assert.equal(again.queue.ledger().get('row')?.toString(), 'kept');
  await again.queue.close();
});

test('an append that fails in the middle is void, and another may take its place', { skip }, async (t) => {
  const disk = smallDisk(t, 32);
  const settings = { maxSizeBytes: 512 * MIB };
  const { queue } = await openDirect(join(disk, 'queue'), { settings });
  await appendSome(queue, 3, new Map([['x', Buffer.from('first')]]), 100_000);
  const ballast = join(disk, 'ballast');
  let failed = 0;
  // Asked before it is written, the disk has room; when it is written it has none, if we are quick enough.
  for (let round = 0; failed < 6; round++) {
    const append = appendSome(queue, 4, new Map([['x', Buffer.from(`failed ${round}`)]]), MIB);
    fillUntil(disk, (failed % 4) * MIB);
    const hasFailed = await append.then(
      () => false,
      () => true,
    );
    rmSync(ballast);
    if (hasFailed) {
      failed++;
      continue;
    }
    const { epoch, sequence } = { epoch: queue.epoch(), sequence: queue.nextSequence() - 1 };
    queue.ack('a', epoch, [[1, sequence]]);
  }
  const first = queue.nextSequence();
  await appendSome(queue, 2, new Map([['x', Buffer.from('second')]]), 200_000);
  const check = (found: ReturnType<typeof queue.read>): void => {
    const last = found.slice(-2);
    assert.deepEqual(sequencesOf(last), [first, first + 1]);
    for (const { position, bytes } of found) checkBatch(position, bytes);
    for (const { bytes } of last) assert.equal(bytes.length, 200_032);
  };
  check(queue.read('a', POSITION_ZERO, 1e9, 1e6));
  assert.equal(queue.ledger().get('x')?.toString(), 'second');
  await queue.abandon();
  const { queue: again } = await openDirect(join(disk, 'queue'), { settings });
  check(again.read('a', POSITION_ZERO, 1e9, 1e6));
  assert.equal(again.ledger().get('x')?.toString(), 'second');
  assert.deepEqual(again.statistics().lost, {});
  await again.close();
});
