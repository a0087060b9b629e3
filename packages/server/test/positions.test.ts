import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { PositionSet } from '../src/positions.js';

test('positions are kept per epoch', () => {
  const positions = new PositionSet();
  assert.equal(positions.empty, true);
  positions.add({ epoch: 2, sequence: 5 });
  positions.add({ epoch: 2, sequence: 6 });
  positions.addRange(1, 1, 3);
  assert.deepEqual(
    [...positions.epochs()],
    [
      [2, [[5, 6]]],
      [1, [[1, 3]]],
    ],
  );
  assert.equal(positions.intervalCount, 2);
  assert.equal(positions.has({ epoch: 1, sequence: 5 }), false);
  positions.removeBelow({ epoch: 2, sequence: 6 });
  assert.deepEqual([...positions.epochs()], [[2, [[6, 6]]]]);
  positions.removeBelow({ epoch: 2, sequence: 7 });
  assert.equal(positions.empty, true);
  assert.equal(positions.intervalCount, 0);
});

test('intervals are counted as they come, merge and go', () => {
  const step = fc.record({
    epoch: fc.integer({ min: 1, max: 3 }),
    first: fc.integer({ min: 1, max: 20 }),
    length: fc.integer({ min: 0, max: 4 }),
    removes: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const positions = new PositionSet();
      for (const { epoch, first, length, removes } of steps) {
        if (removes) positions.removeBelow({ epoch, sequence: first });
        else positions.addRange(epoch, first, first + length);
        const counted = [...positions.epochs()].reduce((sum, [, ranges]) => sum + ranges.length, 0);
        assert.equal(positions.intervalCount, counted);
      }
    }),
  );
});
