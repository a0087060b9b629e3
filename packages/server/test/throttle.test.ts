import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Throttle } from '../src/throttle.js';

test('what comes faster than the rate is waited for', () => {
  const throttle = new Throttle();
  // The first second's worth is there at once.
  assert.equal(throttle.take(1000, 1000, 10_000), 0);
  assert.equal(throttle.take(500, 1000, 10_000), 500);
  assert.equal(throttle.take(500, 1000, 10_500), 500);
  assert.equal(throttle.take(0, 1000, 11_000), 0);
  assert.equal(throttle.take(1_000_000, 0, 11_000), 0);
});
