import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import wabt from 'wabt';
import { countNewlines, NEWLINE_COUNT_MODULE } from '../src/newline-count.js';

void test('counts every newline of a range and none outside it, at any length and offset', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 70_000 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 50 }),
      (length, start, every) => {
        const bytes = Buffer.alloc(start + length + 40, 10);
        let expected = 0;
        for (let at = start; at < start + length; at++) {
          bytes[at] = at % every === 0 ? 10 : 0x8a;
          if (at % every === 0) expected++;
        }
        assert.equal(countNewlines(bytes, start, start + length), expected);
      },
    ),
    { numRuns: 300 },
  );
});

void test('counts more than one window, all of it newlines', () => {
  const bytes = Buffer.alloc(700_001, 10);
  assert.equal(countNewlines(bytes, 0, bytes.length), 700_001);
});

void test('the bytes in the source are what newline-count.wat assembles to', async () => {
  const text = readFileSync(new URL('../../src/newline-count.wat', import.meta.url), 'utf8');
  const assembler = await wabt();
  const assembled = assembler.parseWat('newline-count.wat', text, { simd: true }).toBinary({}).buffer;
  assert.equal(Buffer.from(assembled).toString('base64'), NEWLINE_COUNT_MODULE);
});
