import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, suggestKey } from '../src/suggest.js';

test('distances', () => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['max_size', 'max_sise', 1],
    ['max_size', 'max_szie', 1],
    ['max_size', 'maxsize', 1],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
  ];
  for (const [a, b, distance] of cases) assert.equal(editDistance(a, b), distance, `${a} ${b}`);
});

test('the distance is symmetric, and zero for equal texts only', () => {
  const word = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 6 }).map((letters) => letters.join(''));
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
    }),
  );
});

test('the nearest key here, else the same key elsewhere, else none', () => {
  const here = ['dir', 'max_size', 'max_wait', 'min_free'];
  const everywhere = ['queue', 'queue.dir', 'servers', 'servers.urls', 'rules.path'];
  const cases: [string, string | undefined][] = [
    ['max_sise', 'max_size'],
    ['MAX_SIZE', 'max_size'],
    ['maxwait', 'max_wait'],
    ['dirs', 'dir'],
    ['urls', 'servers.urls'],
    ['path', 'rules.path'],
    ['colour', undefined],
  ];
  for (const [unknown, expected] of cases)
    assert.equal(suggestKey(unknown, here, everywhere), expected, unknown);
});
