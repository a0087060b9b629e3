import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { Intervals } from '../src/intervals.js';

const VALUE_MAX = 60;

const value = fc.integer({ min: 0, max: VALUE_MAX });
const operation = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), first: value }),
  fc.record({ kind: fc.constant('addRange' as const), first: value, length: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ kind: fc.constant('removeBelow' as const), first: value }),
);

test('intervals hold what a set would hold', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const intervals = new Intervals();
      let model = new Set<number>();
      for (const step of operations) {
        if (step.kind === 'add') {
          intervals.add(step.first);
          model.add(step.first);
        } else if (step.kind === 'addRange') {
          intervals.addRange(step.first, step.first + step.length);
          for (let each = step.first; each <= step.first + step.length; each++) model.add(each);
        } else {
          intervals.removeBelow(step.first);
          model = new Set([...model].filter((each) => each >= step.first));
        }
        checkAgainst(intervals, model);
      }
    }),
  );
});

function checkAgainst(intervals: Intervals, model: ReadonlySet<number>): void {
  const held = new Set<number>();
  let before = -2;
  for (const [first, last] of intervals.ranges()) {
    assert.ok(first <= last, 'a range ascends');
    assert.ok(first > before + 1, 'ranges neither overlap nor touch');
    for (let each = first; each <= last; each++) held.add(each);
    before = last;
  }
  assert.deepEqual(
    [...held],
    [...model].sort((a, b) => a - b),
  );
  for (let each = 0; each <= VALUE_MAX + 10; each++) assert.equal(intervals.has(each), model.has(each));
  assert.equal(intervals.count, [...intervals.ranges()].length);
}

test('numbers that ascend stay one interval', () => {
  const intervals = new Intervals();
  for (let each = 1; each <= 10_000; each++) intervals.add(each);
  assert.deepEqual([...intervals.ranges()], [[1, 10_000]]);
});
