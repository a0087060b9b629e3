import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateMeter } from '../src/web-rates.js';

test('rates are what was counted between two readings', () => {
  const meter = new RateMeter();
  meter.read(1000, [['a', { records: 10, bytes: 1000 }]]);
  assert.deepEqual(meter.of('a'), { records: 0, bytes: 0 });
  meter.read(3000, [
    ['a', { records: 30, bytes: 5000 }],
    ['b', { records: 2, bytes: 20 }],
  ]);
  assert.deepEqual(meter.of('a'), { records: 10, bytes: 2000 });
  assert.deepEqual(meter.of('b'), { records: 1, bytes: 10 }, 'who was not there before has begun at nothing');
  assert.deepEqual(meter.of('c'), { records: 0, bytes: 0 });
});

test('who did nothing, or is not there any more, has no rate', () => {
  const meter = new RateMeter();
  meter.read(0, []);
  meter.read(1000, [['a', { records: 1, bytes: 1 }]]);
  meter.read(2000, [['a', { records: 1, bytes: 1 }]]);
  assert.equal(meter.rates.size, 0);
  meter.read(3000, []);
  meter.read(4000, [['a', { records: 5, bytes: 7 }]]);
  assert.deepEqual(meter.of('a'), { records: 5, bytes: 7 }, 'counters that were forgotten begin anew');
});

test('counters that are lower than before have begun anew', () => {
  const meter = new RateMeter();
  meter.read(0, [['a', { records: 100, bytes: 1000 }]]);
  meter.read(1000, [['a', { records: 3, bytes: 30 }]]);
  assert.deepEqual(meter.of('a'), { records: 3, bytes: 30 });
});

test('two readings at the same time give no rate that is infinite', () => {
  const meter = new RateMeter();
  meter.read(5, []);
  meter.read(5, [['a', { records: 3, bytes: 30 }]]);
  assert.deepEqual(meter.of('a'), { records: 0, bytes: 0 });
});
