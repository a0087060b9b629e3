import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateHistory, type Point } from '../src/web-history.js';

function point(bytes: number, lagSeconds = 0): Point {
  return { records: bytes / 10, bytes, lagSeconds };
}

test('the oldest points make room for the newest', () => {
  const history = new RateHistory(3, 2);
  assert.deepEqual(history.timesSeconds(), []);
  for (let time = 1; time <= 5; time++) history.add(time, point(time * 10), new Map([['a', point(time)]]));
  assert.deepEqual(history.timesSeconds(), [3, 4, 5]);
  assert.deepEqual(history.total().bytes, [30, 40, 50]);
  assert.deepEqual(history.total().records, [3, 4, 5]);
  assert.deepEqual(history.of('a')?.bytes, [3, 4, 5]);
  assert.equal(history.of('b'), undefined);
});

test('who comes later has done nothing before, and nothing while it is quiet', () => {
  const history = new RateHistory(4, 2);
  history.add(1, point(0), new Map());
  history.add(2, point(8), new Map([['a', point(8, 2)]]));
  history.add(3, point(0, NaN), new Map());
  assert.deepEqual(history.of('a'), {
    records: [0, 0.8, 0],
    bytes: [0, 8, 0],
    lagSeconds: [null, 2, null],
  });
  assert.deepEqual(history.total().lagSeconds, [0, 0, null]);
});

test('the busiest have a history; one that becomes busier than the least busy takes its place', () => {
  const history = new RateHistory(10, 2);
  history.add(
    1,
    point(60),
    new Map([
      ['small', point(10)],
      ['great', point(50)],
    ]),
  );
  history.add(
    2,
    point(60),
    new Map([
      ['great', point(50)],
      ['tiny', point(5)],
    ]),
  );
  assert.deepEqual(history.busiest(5), ['great', 'small']);
  history.add(
    3,
    point(60),
    new Map([
      ['great', point(50)],
      ['new', point(30)],
    ]),
  );
  assert.deepEqual(history.busiest(5), ['great', 'new']);
  assert.deepEqual(history.busiest(1), ['great']);
  assert.deepEqual(history.of('new')?.bytes, [0, 0, 30]);
});

test('lag alone makes nobody busy', () => {
  const history = new RateHistory(10, 2);
  history.add(1, point(0), new Map([['late', { records: 0, bytes: 0, lagSeconds: 9 }]]));
  assert.deepEqual(history.busiest(5), []);
  assert.deepEqual(history.of('late')?.lagSeconds, [9]);
});

test('whatever happens, it is as large as it may be at most, and the sources add up to no more than the total', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const moment = fc.uniqueArray(fc.tuple(names, fc.nat(1000)), { selector: ([name]) => name });
  fc.assert(
    fc.property(fc.array(moment, { maxLength: 40 }), (moments) => {
      const history = new RateHistory(7, 3);
      moments.forEach((active, index) => {
        const total = active.reduce((sum, [, bytes]) => sum + bytes, 0);
        history.add(index, point(total), new Map(active.map(([name, bytes]) => [name, point(bytes)])));
      });
      const kept = history.busiest(100).map((name) => history.of(name)?.bytes ?? []);
      assert.ok(kept.length <= 3);
      const { bytes } = history.total();
      assert.equal(bytes.length, Math.min(7, moments.length));
      bytes.forEach((total, index) => {
        const sum = kept.reduce((all, series) => all + (series[index] ?? NaN), 0);
        assert.ok(sum <= total);
      });
    }),
  );
});
