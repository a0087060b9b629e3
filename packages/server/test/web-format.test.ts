import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatAgo,
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
} from '../web/format.js';
import { readWishes, writeWishes } from '../web/wishes.js';

test('amounts have three digits and a unit', () => {
  assert.deepEqual(
    [0, 0.25, 7, 12.34, 999, 999.6, 1000, 1234, 99_960, 123_456, 999_999, 5_000_000].map(formatCount),
    ['0', '0.3', '7', '12.3', '999', '1 k', '1 k', '1.2 k', '100 k', '123 k', '1 M', '5 M'],
  );
  assert.deepEqual([0, 1, 999, 1000, 1536, 1e9, 1e18].map(formatBytes), [
    '0 B',
    '1 B',
    '999 B',
    '1 kB',
    '1.5 kB',
    '1 GB',
    '1000 PB',
  ]);
  assert.equal(formatByteRate(34_800), '34.8 kB/s');
});

test('durations have one or two units', () => {
  assert.deepEqual(
    [-5, 0, 7.6, 999.4, 999.6, 1000, 1234, 9949, 9999, 59_400, 60_000, 95_000, 3_600_000, 5_400_000].map(
      formatDuration,
    ),
    ['0 ms', '0 ms', '8 ms', '999 ms', '1 s', '1 s', '1.2 s', '9.9 s', '10 s', '59 s'].concat([
      '1 min',
      '1 min 35 s',
      '1 h',
      '1 h 30 min',
    ]),
  );
  assert.equal(formatDuration(187_200_000), '2 d 4 h');
});

test('times say the day when it is another', () => {
  const noon = new Date(2026, 2, 1, 12, 4, 5).getTime();
  assert.equal(formatTime(noon, noon + 1000), '12:04:05');
  assert.equal(formatTime(noon, noon + 86_400_000), '2026-03-01 12:04:05');
  assert.equal(formatAgo(noon, noon + 1500), 'now');
  assert.equal(formatAgo(noon, noon + 12_900), '12 s ago');
});

test('what the reader wants to see can be handed on in the address', () => {
  const usual = readWishes('');
  assert.equal(writeWishes(usual), '');
  const wishes = { ...usual, source: 'a b&c', sourcesBy: 'lag', filesBy: 'name', chart: 'x' } as const;
  assert.deepEqual(readWishes(writeWishes(wishes)), wishes);
});
