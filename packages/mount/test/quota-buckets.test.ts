import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuotaBuckets } from '../src/quota-buckets.js';

void test('a path has a second’s worth, and each its own', () => {
  const quotas = new QuotaBuckets();
  assert.deepEqual(quotas.leftBytes('a', 100, 0), { bytes: 100, isFull: true });
  quotas.spend('a', 150);
  assert.deepEqual(quotas.leftBytes('a', 100, 250), { bytes: -25, isFull: false });
  assert.deepEqual(quotas.leftBytes('b', 100, 250), { bytes: 100, isFull: true });
  assert.deepEqual(quotas.leftBytes('a', 100, 60_000), { bytes: 100, isFull: true });
});

void test('a clock that is set back fills nothing and takes nothing', () => {
  const quotas = new QuotaBuckets();
  quotas.leftBytes('a', 100, 10_000);
  quotas.spend('a', 60);
  assert.equal(quotas.leftBytes('a', 100, 0).bytes, 40);
  assert.equal(quotas.leftBytes('a', 100, 500).bytes, 90);
});

void test('many paths do not stay for ever', () => {
  const quotas = new QuotaBuckets();
  for (let path = 0; path < 10_000; path++) quotas.leftBytes(String(path), 10, path);
  quotas.spend('9999', 5);
  assert.equal(quotas.leftBytes('9999', 10, 9999).bytes, 5);
});
