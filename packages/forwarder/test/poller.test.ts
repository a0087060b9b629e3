import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sleep, waitUntil } from '@k2hft/test-harness';
import { Poller } from '../src/poller.js';

function startPoller(context: TestContext, poll: (nowMs: number) => number): Poller {
  const poller = new Poller(poll);
  context.after(() => {
    poller.stop();
  });
  poller.start();
  return poller;
}

test('without work it looks about once a second', async (t) => {
  let polls = 0;
  const startedMs = performance.now();
  startPoller(t, () => {
    polls += 1;
    return Infinity;
  });
  await waitUntil('three polls', () => polls === 3);
  assert.ok(performance.now() - startedMs > 1_900);
});

test('after a wake it looks at once, and goes on for at least five milliseconds after the last wake', async (t) => {
  const polls: number[] = [];
  const poller = startPoller(t, (nowMs) => {
    polls.push(nowMs);
    return Infinity;
  });
  await waitUntil('the first poll', () => polls.length === 1);
  await sleep(20);
  for (let round = 0; round < 20; round += 1) {
    const wokenMs = performance.now();
    poller.noticed();
    await sleep(1);
    poller.noticed();
    const lastWakeMs = performance.now();
    await waitUntil('it sleeps', () => performance.now() - (polls.at(-1) ?? 0) > 50);
    assert.ok((polls.at(-1) ?? 0) >= lastWakeMs + 5 - 1, 'polled until five milliseconds after the wake');
    assert.ok(polls.some((poll) => poll >= wokenMs));
  }
});

test('it comes back when it is asked to', async (t) => {
  let polls = 0;
  startPoller(t, () => {
    polls += 1;
    return polls < 100 ? 0 : polls < 103 ? 20 : Infinity;
  });
  await waitUntil('all polls', () => polls === 103);
});

test('many pokes are one poll, and none comes after stop', async () => {
  let polls = 0;
  const poller = new Poller(() => {
    polls += 1;
    return Infinity;
  });
  poller.poke();
  await sleep(10);
  assert.equal(polls, 0);
  poller.start();
  for (let poke = 0; poke < 100; poke += 1) poller.poke();
  await sleep(10);
  assert.equal(polls, 1);
  poller.poke();
  poller.stop();
  poller.noticed();
  await sleep(30);
  assert.equal(polls, 1);
});
