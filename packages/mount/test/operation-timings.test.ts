import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO, FuseError, PARKED, type FuseReplies, type FuseRequest } from '@k2hft/fuse';
import { OperationTimings, type ServedOperations } from '../src/operation-timings.js';
import { TICK_NAME } from '../src/tick-name.js';

function requestOf(unique: number): FuseRequest {
  return { unique, uniqueLow: unique, uniqueHigh: 0, nodeId: 1, uid: 0, gid: 0, pid: 1, resent: false };
}

const WRITE = {
  handle: 1,
  offset: 0,
  buffer: Buffer.alloc(4),
  start: 0,
  end: 4,
  fromCache: false,
  openFlags: 0,
};

/** Operations of which each second write waits, and replies that count. */
function site() {
  let through: FuseReplies | undefined;
  let ticks = 0;
  const answered: string[] = [];
  const operations: ServedOperations = {
    lookup: () => {
      throw new FuseError(ERRNO.ENOENT);
    },
    write: ({ unique }) => (unique % 2 === 0 ? PARKED : 4),
    answerThrough: (replies) => {
      through = replies;
    },
    tick: () => {
      ticks++;
    },
  };
  const timings = new OperationTimings();
  const served = timings.timed(operations);
  const note =
    (what: string) =>
    ({ unique }: FuseRequest) =>
      void answered.push(`${what} ${unique}`);
  served.answerThrough({
    replyError: note('error'),
    replyEmpty: note('empty'),
    replyWritten: note('written'),
    replyEntry: note('entry'),
    replyAttributes: note('attributes'),
  });
  return { timings, served, answered, replies: () => through, ticks: () => ticks };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

test('calls are counted, also those that fail; what is absent stays absent', () => {
  const { timings, served } = site();
  assert.equal('read' in served, false);
  assert.equal(served.write?.(requestOf(1), WRITE), 4);
  assert.throws(() => served.lookup?.(requestOf(3), 'x'), FuseError);
  const { operations, durations } = timings.report();
  assert.equal(operations['write']?.calls, 1);
  assert.equal(operations['lookup']?.calls, 1);
  assert.equal(sum(durations.write.counts), 1);
  assert.equal(sum(durations.fsync.counts), 0);
});

test('a request that waits is counted when it is answered', () => {
  const { timings, served, replies, answered } = site();
  assert.equal(served.write?.(requestOf(2), WRITE), PARKED);
  assert.equal(timings.report().operations['write']?.calls, 0);
  replies()?.replyWritten(requestOf(2), 4);
  assert.deepEqual(answered, ['written 2']);
  const { operations, durations } = timings.report();
  assert.equal(operations['write']?.calls, 1);
  assert.equal(sum(durations.write.counts), 1);
});

test("the supervisor's tick is no request of a program", () => {
  const { timings, served, ticks } = site();
  assert.throws(() => served.lookup?.(requestOf(5), TICK_NAME), FuseError);
  assert.deepEqual(timings.report().operations, {});
  served.tick();
  assert.equal(ticks(), 1);
});
