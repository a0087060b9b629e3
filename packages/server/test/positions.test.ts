import { strict as assert } from 'node:assert';
import { test } from 'node:test';
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
});
