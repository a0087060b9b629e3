import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishesWithin } from '../src/timed-call.js';

/** However long the machine stands still. */
const LONG_MS = 3_600_000;

void test('what ends by itself has ended, with what it did', () => {
  let done = 0;
  assert.equal(
    finishesWithin(LONG_MS, () => done++),
    true,
  );
  assert.equal(done, 1);
});

void test('a regular expression that runs away is stopped', () => {
  assert.equal(
    finishesWithin(20, () => /(?=a)(a+)+$/u.test(`${'a'.repeat(60)}!`)),
    false,
  );
});

void test('an error is the caller’s', () => {
  const error = new RangeError('mine');
  assert.throws(
    () =>
      finishesWithin(LONG_MS, () => {
        throw error;
      }),
    error,
  );
});
