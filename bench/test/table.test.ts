import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNumber, formatTable } from '../src/table.js';

test('a figure keeps three digits that count', () => {
  assert.equal(formatNumber(29_345_678), '29 300 000');
  assert.equal(formatNumber(4_512), '4 510');
  assert.equal(formatNumber(999.7), '1 000');
  assert.equal(formatNumber(123.4), '123');
  assert.equal(formatNumber(12.345), '12.3');
  assert.equal(formatNumber(0.04512), '0.0451');
  assert.equal(formatNumber(0), '0');
});

test('what was not measured is a dash', () => {
  assert.equal(formatNumber(NaN), '–');
  assert.equal(formatNumber(Infinity), '–');
  assert.match(formatTable(['a', 'b'], [['x', undefined]]), /^x {2}–$/m);
});

test('columns line up: the first to the left, the others to the right', () => {
  const table = formatTable(
    ['line', 'lines/s'],
    [
      ['10 B', 1_000_000],
      ['4096 B', 5],
    ],
  );
  assert.equal(
    table,
    ['line      lines/s', '------  ---------', '10 B    1 000 000', '4096 B          5'].join('\n'),
  );
});

test('a table holds no control characters but newlines', () => {
  const text = formatTable(['a', 'b'], [['x', 1]]);
  assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
});
