import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatSize, parseDuration, parseSize } from '../src/units.js';

test('sizes', () => {
  const cases: [string, number | undefined][] = [
    ['0', 0],
    ['17', 17],
    ['17B', 17],
    ['1KiB', 1024],
    ['1 KiB', 1024],
    ['1.5KiB', 1536],
    ['1.1KB', 1100],
    ['2MiB', 2_097_152],
    ['3GiB', 3_221_225_472],
    ['1KB', 1000],
    ['1MB', 1e6],
    ['1GB', 1e9],
    ['1.5', undefined],
    ['0.3KiB', undefined],
    ['-1', undefined],
    ['1kb', undefined],
    ['1k', undefined],
    ['1TiB', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['KiB', undefined],
    ['1 2', undefined],
    ['99999999999GiB', undefined],
  ];
  for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, text);
});

test('durations', () => {
  const cases: [string, number | undefined][] = [
    ['0', 0],
    ['5', 5000],
    ['0.5', 500],
    ['1.1s', 1100],
    ['50ms', 50],
    ['2s', 2000],
    ['2 m', 120_000],
    ['2h', 7_200_000],
    ['2d', 172_800_000],
    ['0.5ms', undefined],
    ['5M', undefined],
    ['5 seconds', undefined],
    ['-5s', undefined],
    ['1h30m', undefined],
    ['always', undefined],
  ];
  for (const [text, milliseconds] of cases) assert.equal(parseDuration(text), milliseconds, text);
});

test('formatting takes the shortest exact text', () => {
  const sizes: [number, string][] = [
    [0, '0B'],
    [1, '1B'],
    [1024, '1KiB'],
    [1536, '1536B'],
    [10_737_418_240, '10GiB'],
    [1e9, '1GB'],
    [1e10, '10GB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
  const durations: [number, string][] = [
    [0, '0s'],
    [50, '50ms'],
    [90_000, '90s'],
    [86_400_000, '1d'],
    [1500, '1500ms'],
  ];
  for (const [milliseconds, text] of durations) assert.equal(formatDuration(milliseconds), text);
});

test('what is formatted is parsed as the same quantity', () => {
  const quantity = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(),
    fc.nat({ max: 4096 }).map((count) => count * 1024),
  );
  fc.assert(
    fc.property(quantity, (value) => {
      assert.equal(parseSize(formatSize(value)), value);
      assert.equal(parseDuration(formatDuration(value)), value);
    }),
  );
});
