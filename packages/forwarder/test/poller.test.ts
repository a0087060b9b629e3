import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Poller } from '../src/poller.js';
import { stopClock, type StoppedClock } from './helpers/stopped-clock.js';

interface Started {
  readonly clock: StoppedClock;
  readonly poller: Poller;
  /** When it was looked, in milliseconds since the start. */
  readonly polls: number[];
}

/** `poll` is told how many polls there were, with this one. */
function startPoller(context: TestContext, poll: (count: number) => number = () => Infinity): Started {
  const clock = stopClock(context, ['setTimeout', 'setImmediate']);
  const startedMs = performance.now();
  const polls: number[] = [];
  const poller = new Poller((nowMs) => {
    polls.push(nowMs - startedMs);
    return poll(polls.length);
  });
  context.after(() => {
    poller.stop();
  });
  poller.start();
  return { clock, poller, polls };
}

test('without work it looks once a second', (t) => {
  const { clock, polls } = startPoller(t);
  clock.pass(3_500);
  assert.deepEqual(polls, [0, 1000, 2000, 3000]);
});

test('after a wake it looks at once, and goes on for five milliseconds after the last wake', (t) => {
  const { clock, poller, polls } = startPoller(t);
  clock.pass(100);
  poller.noticed();
  clock.pass(2);
  poller.noticed();
  clock.pass(900);
  assert.deepEqual(polls, [0, 100, 101, 102, 103, 104, 105, 106, 107]);
  clock.pass(1_000);
  assert.equal(polls.at(-1), 1107);
});

test('it comes back when it is asked to', (t) => {
  const { clock, polls } = startPoller(t, (count) => (count < 5 ? 0 : count < 8 ? 20 : Infinity));
  clock.pass(500);
  assert.deepEqual(polls, [0, 0, 0, 0, 0, 20, 40, 60]);
});

test('many pokes are one poll, and none comes before the start or after stop', (t) => {
  const clock = stopClock(t, ['setTimeout', 'setImmediate']);
  let polls = 0;
  const poller = new Poller(() => {
    polls += 1;
    return Infinity;
  });
  poller.poke();
  clock.pass(10);
  assert.equal(polls, 0);
  poller.start();
  for (let poke = 0; poke < 100; poke += 1) poller.poke();
  clock.pass(10);
  assert.equal(polls, 1);
  poller.poke();
  poller.stop();
  poller.noticed();
  clock.pass(5_000);
  assert.equal(polls, 1);
});
