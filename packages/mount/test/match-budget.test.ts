import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MatchBudget, SlowTime } from '../src/match-budget.js';

/** A clock that the test moves, and a processor that has worked so much meanwhile. */
function slowTime() {
  const at = { nowMs: 0, processorMs: 0 };
  const pass = (ms: number, processorShare: number) => {
    at.nowMs += ms;
    at.processorMs += ms * processorShare;
  };
  const time = new SlowTime(
    () => at.nowMs,
    () => at.processorMs,
  );
  return { pass, time };
}

test('of the time that the machine does something else, half counts, and nothing of a standstill', () => {
  const { pass, time } = slowTime();
  new MatchBudget(time).run(() => {
    pass(40, 0);
  });
  // A line may take 50 ms. 10 ms were given back meanwhile.
  assert.equal(time.left(), 1000 - 20 + 10);
  new MatchBudget(time).run(() => {
    pass(5000, 0);
  });
  assert.equal(time.left(), 1000);
});

test('where next to nothing of the processor is left, patterns do not keep the mount for long either', () => {
  const { pass, time } = slowTime();
  let waitedMs = 0;
  const run = (budget: MatchBudget) =>
    budget.run(() => {
      pass(50, 0.02);
      waitedMs += 50;
    });
  // The first write may have it all: half of the time that goes by counts.
  const first = new MatchBudget(time);
  while (run(first));
  assert.ok(waitedMs <= 2500, `${waitedMs} ms`);
  const firstMs = waitedMs;
  // Those that wait behind it have what was given back, and a little in any case.
  for (let write = 0; write < 100; write++) {
    const budget = new MatchBudget(time);
    while (run(budget));
  }
  const eachMs = (waitedMs - firstMs) / 100;
  // Here a line takes 50 ms whatever is left; one that is cut when its time is over takes less.
  assert.ok(eachMs <= 400, `${eachMs} ms a write`);
});

test('a line that was stopped while the machine did something else is tried again', () => {
  const { pass, time } = slowTime();
  let tries = 0;
  const finished = new MatchBudget(time).run(() => {
    pass(5000, 0);
    // Stopped by the real clock, however long that takes.
    if (++tries === 1) for (;;);
  });
  assert.deepEqual([finished, tries], [true, 2]);
});
