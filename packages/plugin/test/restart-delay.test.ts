import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartDelay } from '../src/restart-delay.js';
import { DEFAULT_TUNING } from '../src/tuning.js';

void test('waits double from 100 ms to 10 s, half of them is chance, and one that lasted begins anew', () => {
  const longest = new RestartDelay(DEFAULT_TUNING, () => 1);
  const waits = Array.from({ length: 9 }, () => longest.next(0));
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  assert.equal(longest.next(20_000), 100);
  const shortest = new RestartDelay(DEFAULT_TUNING, () => 0);
  assert.equal(shortest.next(0), 50);
});
