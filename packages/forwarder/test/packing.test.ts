import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packBatches } from '../src/packing.js';

test('groups hold everything in order, fit, and are no more than needed', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 150 })), (lengths) => {
      const batches = lengths.map((length) => ({ bytes: Buffer.alloc(length) }));
      const groups = packBatches(batches, 100);
      assert.deepEqual(groups.flat(), batches);
      const sizes = groups.map((group) => group.reduce((sum, batch) => sum + batch.bytes.length, 0));
      groups.forEach((group, index) => {
        assert.ok(group.length === 1 || (sizes[index] ?? 0) <= 100);
        const next = groups[index + 1]?.[0];
        if (next !== undefined) assert.ok((sizes[index] ?? 0) + next.bytes.length > 100);
      });
    }),
  );
});
