import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppliedSet } from '../src/applied.js';
import { PositionSet, type Position } from '../src/positions.js';

const position = fc.record({
  epoch: fc.integer({ min: 1, max: 4 }),
  sequence: fc.integer({ min: 1, max: 12 }),
});
const operation = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), position }),
  fc.record({ kind: fc.constant('floor' as const), position }),
  fc.record({ kind: fc.constant('store' as const), position }),
);

const key = ({ epoch, sequence }: Position): number => epoch * 1000 + sequence;

test('what is applied is what is below the floor, and exactly what was added above it', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 50 }), (operations) => {
      let applied = new AppliedSet();
      const added = new Set<number>();
      let floor = 0;
      for (const step of operations) {
        if (step.kind === 'add') {
          applied.add(step.position);
          added.add(key(step.position));
        } else if (step.kind === 'floor') {
          applied.raiseFloor(step.position);
          floor = Math.max(floor, key(step.position));
        } else {
          applied = AppliedSet.fromStored(applied.toStored());
        }
        for (let epoch = 1; epoch <= 4; epoch++) {
          for (let sequence = 1; sequence <= 12; sequence++) {
            const expected = key({ epoch, sequence }) < floor || added.has(key({ epoch, sequence }));
            assert.equal(applied.has({ epoch, sequence }), expected);
          }
        }
      }
    }),
  );
});

test('epochs below that of the floor are forgotten', () => {
  const applied = new AppliedSet();
  for (const epoch of [1, 2, 3]) applied.add({ epoch, sequence: 7 });
  applied.raiseFloor({ epoch: 3, sequence: 1 });
  assert.deepEqual(applied.toStored(), { floor: [3, 1], epochs: [[3, [7, 7]]] });
  applied.raiseFloor({ epoch: 2, sequence: 9 });
  assert.deepEqual(applied.floor, { epoch: 3, sequence: 1 });
});

test('a copy does not change with its original', () => {
  const applied = new AppliedSet();
  const copy = applied.clone();
  const positions = new PositionSet();
  positions.add({ epoch: 1, sequence: 1 });
  applied.addAll(positions);
  assert.equal(applied.has({ epoch: 1, sequence: 1 }), true);
  assert.equal(copy.has({ epoch: 1, sequence: 1 }), false);
});

test('what one source can have remembered is bounded, in gaps and in epochs', () => {
  const gaps = new AppliedSet();
  assert.throws(
    () => {
      for (let sequence = 1; ; sequence += 2) gaps.add({ epoch: 1, sequence });
    },
    { code: 'too_many_gaps', message: /more than 500000 gaps/ },
  );
  // What makes no gap more is taken: right behind the floor, and beside what is there.
  gaps.raiseFloor({ epoch: 0, sequence: 7 });
  gaps.add({ epoch: 0, sequence: 7 });
  gaps.add({ epoch: 1, sequence: 2 });
  assert.equal(gaps.gapCount, 500_000);
  const epochs = new AppliedSet();
  for (let epoch = 1; epoch <= 10_000; epoch++) epochs.add({ epoch, sequence: 1 });
  const beyond = { epoch: 10_001, sequence: 1 };
  assert.throws(
    () => {
      epochs.add(beyond);
    },
    { code: 'too_many_gaps', message: /more than 10000 epochs/ },
  );
  epochs.add({ epoch: 10_000, sequence: 2 });
  epochs.raiseFloor({ epoch: 2, sequence: 1 });
  epochs.add(beyond);
  assert.equal(epochs.has(beyond), true);
});
