import assert from 'node:assert/strict';
import { test } from 'node:test';
import { translateReplacement } from '../../src/legacy/replacement.js';

test('replacements, on "x ERROR y" matched by (.*)ERR(OR)(.*)', () => {
  const table: [replacement: string, output: string, result: string][] = [
    ['', '', ''],
    ['plain', 'plain', 'plain'],
    ['$1E$3', '$1E$3', 'x E y'],
    ['$0', '$&', 'x ERROR y'],
    ['&', '$&', 'x ERROR y'],
    ['[&]', '[$&]', '[x ERROR y]'],
    ['\\&', '&', '&'],
    ['\\$1', '$$1', '$1'],
    ['\\\\', '\\', '\\'],
    ['\\"', '"', '"'],
    ['\\n', 'n', 'n'],
    ['$2\\0', '$020', 'OR0'],
    ['$2\\01', '$0201', 'OR01'],
    ['$2-1', '$2-1', 'OR-1'],
    ['$9', '', ''],
    ['<$4>', '<>', '<>'],
    ['\\$\\&', '$$&', '$&'],
  ];
  for (const [replacement, output, result] of table) {
    assert.deepEqual(translateReplacement(replacement, 3), { output }, replacement);
    assert.equal('x ERROR y'.replace(/(.*)ERR(OR)(.*)/u, output), result, replacement);
  }
});

test('replacements that K2HFTFUSE refuses', () => {
  for (const [replacement, offset] of [
    ['$', 0],
    ['a$b', 1],
    ['$10', 0],
    ['a\\', 1],
  ] as const) {
    const found = translateReplacement(replacement, 9);
    assert.equal('fault' in found ? found.offset : -1, offset, replacement);
  }
});
