import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, percentile } from '../src/statistics.js';

test('the median of an odd number of values is the one in the middle', () => {
  assert.equal(median([10, 9, 100]), 10);
});

test('the median of an even number of values is the mean of the two in the middle', () => {
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

test('nothing has no median and no percentile', () => {
  assert.ok(Number.isNaN(median([])));
  assert.ok(Number.isNaN(percentile([], 50)));
});

test('a percentile is a measured value by nearest rank', () => {
  const values = Array.from({ length: 1000 }, (_, index) => 1000 - index);
  assert.equal(percentile(values, 50), 500);
  assert.equal(percentile(values, 99), 990);
  assert.equal(percentile(values, 100), 1000);
  assert.equal(percentile(values, 0), 1);
  assert.equal(percentile([7], 99), 7);
});

test('the values given stay in their order', () => {
  const values = [3, 1, 2];
  median(values);
  percentile(values, 50);
  assert.deepEqual(values, [3, 1, 2]);
});
