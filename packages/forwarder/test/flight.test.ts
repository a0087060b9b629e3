import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rangesOf } from '@k2hft/wire';
import { Flight } from '../src/flight.js';

test('acknowledgements take out what is in flight, once, and nothing else', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({
        add: fc.integer({ min: 1, max: 4 }),
        bytes: fc.nat({ max: 200_000 }),
        records: fc.nat({ max: 9 }),
      }),
      fc.record({ epoch: fc.integer({ min: 1, max: 2 }), sequences: fc.array(fc.nat({ max: 60 })) }),
      fc.constant('next epoch' as const),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (taken) => {
      const flight = new Flight();
      const model = new Map<string, { epoch: number; sequence: number }>();
      let added = { batches: 0, records: 0, bytes: 0 };
      let position = { epoch: 1, sequence: 0 };
      for (const step of taken) {
        if (step === 'next epoch') {
          position = { epoch: position.epoch + 1, sequence: 0 };
        } else if ('add' in step) {
          position = { epoch: position.epoch, sequence: position.sequence + step.add };
          flight.add(position, step.bytes, step.records, 0);
          model.set(`${position.epoch}/${position.sequence}`, position);
          added = {
            batches: added.batches + 1,
            records: added.records + step.records,
            bytes: added.bytes + step.bytes,
          };
        } else {
          const hit = [...new Set(step.sequences)].filter((sequence) =>
            model.delete(`${step.epoch}/${sequence}`),
          );
          const landed = flight.land(step.epoch, rangesOf(step.sequences), 0);
          assert.deepEqual(
            rangesOf(landed.ranges.flatMap(([first, last]) => numbersIn(first, last))),
            rangesOf(hit),
          );
          assert.equal(landed.batches, hit.length);
          added.batches -= landed.batches;
          added.records -= landed.records;
          added.bytes -= landed.bytes;
        }
        assert.deepEqual(flight.total, added);
        assert.equal(flight.total.batches, model.size);
        assert.deepEqual(flight.first(), [...model.values()][0]);
        assert.deepEqual(flight.last(), [...model.values()].at(-1));
        if (flight.empty) assert.deepEqual(flight.total, { batches: 0, records: 0, bytes: 0 });
      }
    }),
    { numRuns: 500 },
  );
});

test('acknowledgements twice, of nothing, or of everything at once do no harm', () => {
  const flight = new Flight();
  flight.add({ epoch: 3, sequence: 5 }, 100, 1, 10);
  assert.equal(flight.land(2, [[0, 2 ** 53 - 1]], 11).batches, 0);
  assert.equal(flight.progressMs, 10);
  assert.deepEqual(flight.land(3, [[0, 2 ** 53 - 1]], 12), {
    ranges: [[5, 5]],
    batches: 1,
    records: 1,
    bytes: 100,
  });
  assert.equal(flight.land(3, [[5, 5]], 13).batches, 0);
  assert.equal(flight.progressMs, 12);
  assert.ok(flight.empty);
});

test('cleared is as new', () => {
  const flight = new Flight();
  flight.add({ epoch: 1, sequence: 1 }, 100, 1, 0);
  flight.stale = true;
  flight.suspect = true;
  flight.clear();
  assert.equal(flight.first(), undefined);
  assert.deepEqual([flight.stale, flight.suspect], [false, false]);
  assert.deepEqual(flight.total, { batches: 0, records: 0, bytes: 0 });
});

function numbersIn(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
