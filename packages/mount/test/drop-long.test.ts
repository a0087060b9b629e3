import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dropLong } from '../src/drop-long.js';
import { linesByHand } from './filter-model.js';

const runs = fc
  .array(fc.constantFrom('a', 'bc', '\n', 'xxxxxxxx'), { maxLength: 60 })
  .map((parts) => Buffer.from(parts.join('')));

void test('lines that are too long are left out, whatever the limit', () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 20 }), (run, limit) => {
      const lines = linesByHand(run);
      const isWhole = (line: Buffer) => line.toString().endsWith('\n');
      const isLong = (line: Buffer) => line.length - (isWhole(line) ? 1 : 0) > limit;
      const left = dropLong(run, limit);
      const kept = lines.filter((line) => isWhole(line) && !isLong(line));
      const long = lines.filter(isLong);
      const rest = lines.filter((line) => !isWhole(line) && !isLong(line));
      assert.equal(Buffer.concat(left.kept).toString(), kept.join(''));
      assert.equal(run.subarray(left.keptEnd).toString(), rest.join(''));
      assert.deepEqual([left.dropped, left.droppedBytes], [long.length, Buffer.concat(long).length]);
      assert.equal(
        left.endsDropping,
        long.some((line) => !isWhole(line)),
      );
    }),
  );
});
