import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CONTROL_BYTES_MAX,
  RANGES_MAX,
  acksOf,
  decodeMessage,
  encodeMessage,
  rangesOf,
} from '../src/index.js';

test('ranges hold exactly the sequences, ascend and do not touch', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 100 })), (sequences) => {
      const ranges = rangesOf(sequences);
      const held = ranges.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, index) => first + index),
      );
      assert.deepEqual(
        held,
        [...new Set(sequences)].sort((a, b) => a - b),
      );
      ranges.slice(1).forEach(([first], index) => {
        assert.ok(first > (ranges[index]?.[1] ?? 0) + 1);
      });
    }),
  );
});

test('the longest ack fits a control message, and more ranges become more acks', () => {
  const sequences = Array.from({ length: RANGES_MAX + 1 }, (_, index) => 2 ** 52 + 2 * index);
  const acks = acksOf(0xffff_ffff, sequences);
  assert.deepEqual(
    acks.map((ack) => ack.ranges.length),
    [RANGES_MAX, 1],
  );
  for (const ack of acks) {
    const encoded = encodeMessage(ack);
    assert.ok(encoded.length <= CONTROL_BYTES_MAX);
    assert.deepEqual(decodeMessage(encoded), ack);
  }
  assert.deepEqual(acksOf(1, []), []);
});
