import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../src/backoff.js';

test('the wait doubles up to the longest, and half of it is chance', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 10, 5000].map((attempt) => backoffMs(attempt, 100, 1000, 0)),
    [50, 100, 200, 400, 500, 500],
  );
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const wait = backoffMs(attempt, 100, 10_000, random);
        assert.ok(wait >= 50 && wait <= 10_000);
      },
    ),
  );
});
