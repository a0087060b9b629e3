import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishesWithin } from '../src/timed-call.js';

void test('what ends by itself has ended, with what it did', () => {
  let done = 0;
  assert.equal(
    finishesWithin(10_000, () => done++),
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
      finishesWithin(10_000, () => {
        throw error;
      }),
    error,
  );
});
