import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { payloadParts } from '../src/payload-parts.js';

const BYTES_MAX = 8;

test('a payload is cut where lines end, and only a line that is longer than a batch inside', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'bcd', '\n', 'efghijklm')), (words) => {
      const payload = Buffer.from(words.join(''));
      const parts = [...payloadParts(payload, BYTES_MAX)];
      assert.deepEqual(Buffer.concat(parts), payload);
      for (const [index, part] of parts.entries()) {
        assert.ok(part.length > 0 && part.length <= BYTES_MAX);
        const isInside = index + 1 < parts.length && part.at(-1) !== 0x0a;
        assert.ok(!isInside || (part.length === BYTES_MAX && !part.includes(0x0a)));
      }
    }),
  );
});
