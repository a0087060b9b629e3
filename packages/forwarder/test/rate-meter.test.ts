import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateMeter } from '../src/rate-meter.js';

test('a rate is the mean of the last ten seconds and fades', () => {
  const meter = new RateMeter();
  assert.equal(meter.perSecond(0), 0);
  for (let second = 100; second < 110; second += 1) meter.add(50, second * 1000 + 300);
  assert.equal(meter.perSecond(109_900), 50);
  assert.equal(meter.perSecond(114_000), 25);
  assert.equal(meter.perSecond(200_000), 0);
  meter.add(10, 200_000);
  assert.equal(meter.perSecond(200_000), 1);
});
