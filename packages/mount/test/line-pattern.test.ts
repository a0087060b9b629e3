import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinePattern } from '../src/line-pattern.js';

const cases: [source: string, linear: boolean, leading: boolean, unwatchedLengthMax: number][] = [
  ['ERROR', true, false, Infinity],
  ['[*+]\\*\\.', true, false, Infinity],
  ['x*y', true, false, 500],
  ['ERROR.*x+', true, false, 62],
  ['(.*)ERROR(.*)', true, true, 500],
  ['.*?b', true, true, 250_000],
  ['.*a|b', true, false, 500],
  ['(.*a|b)', true, false, 500],
  ['(.*)+b', true, false, 0],
  ['(a+)+b', true, false, 0],
  ['a?b?c?d?', true, false, 0],
  ['(?=a)b', false, false, 0],
  ['(?<!a)b', false, false, 0],
  ['(.)\\1', false, false, 0],
  ['\\p{L}', false, false, 0],
  ['\\u{1F600}', false, false, 0],
  ['😀', false, false, 0],
  ['a{3,100}', false, false, 0],
];

for (const [source, linear, leading, unwatchedLengthMax] of cases) {
  void test(`what is known of ${source}`, () => {
    const pattern = new LinePattern(source, false);
    assert.deepEqual(
      [pattern.linear !== undefined, pattern.leading !== undefined, pattern.unwatchedLengthMax],
      [linear, leading, unwatchedLengthMax],
    );
    assert.equal(pattern.unicode.flags, 'u');
  });
}

void test('a pattern that is no regular expression is refused', () => {
  assert.throws(() => new LinePattern('(', false), SyntaxError);
});
