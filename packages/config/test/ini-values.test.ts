import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findValueEnd, readSingle, splitList } from '../src/ini-values.js';

const texts = (value: string) => {
  const parts = splitList(value);
  return 'message' in parts ? parts : parts.map(({ text }) => text);
};

test('lists are split at commas, outside quotes', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['   ', []],
    ['a', ['a']],
    ['a, b ,c', ['a', 'b', 'c']],
    ['"a, b", c', ['a, b', 'c']],
    ['"password=\\S+", "password=***"', ['password=\\S+', 'password=***']],
    ['""', ['']],
    ['"secret", ""', ['secret', '']],
    ['"say ""hi"""', ['say "hi"']],
    ['"""quoted"""', ['"quoted"']],
    ['level="error", x', ['level="error"', 'x']],
    ['  "a"  ,  b', ['a', 'b']],
    ['"a # b; c"', ['a # b; c']],
    ['\\', ['\\']],
    ['"\\"', ['\\']],
  ];
  for (const [value, expected] of cases) assert.deepEqual(texts(value), expected, value);
});

test('what cannot be split says where', () => {
  const cases: [string, number, RegExp][] = [
    ['a,', 2, /beside the comma/],
    [',a', 0, /beside the comma/],
    ['a,,b', 2, /beside the comma/],
    ['a, "b', 3, /closing double quote is missing/],
    ['"a"b', 3, /expected a comma after the closing double quote/],
    ['"a""', 0, /closing double quote is missing/],
    ['"a" "b"', 4, /expected a comma/],
  ];
  for (const [value, offset, message] of cases) {
    const fault = splitList(value);
    assert.ok('message' in fault, value);
    assert.equal(fault.offset, offset, value);
    assert.match(fault.message, message);
  }
});

test('a single text loses its quotes and keeps its commas', () => {
  assert.equal(readSingle('a, b'), 'a, b');
  assert.equal(readSingle('"a, b"'), 'a, b');
  assert.equal(readSingle('say "hi"'), 'say "hi"');
  assert.equal(readSingle('""'), '');
  assert.deepEqual(readSingle('"a" b'), {
    offset: 3,
    message: 'expected nothing after the closing double quote',
  });
  assert.deepEqual(readSingle('"a'), { offset: 0, message: 'the closing double quote is missing' });
});

test('comments end a value, outside quotes and after a blank only', () => {
  const cases: [string, string][] = [
    ['10GiB ; much', '10GiB '],
    ['10GiB # much', '10GiB '],
    ['a;b#c', 'a;b#c'],
    ['"a ; b" ; c', '"a ; b" '],
    ['x, "a # b" # c', 'x, "a # b" '],
    ['say "a # b"', 'say "a '],
    ['{ ca: "a # b" } # c', '{ ca: "a # b" } '],
    ['"never closed # x', '"never closed # x'],
  ];
  for (const [value, expected] of cases)
    assert.equal(value.slice(0, findValueEnd(value, 0)), expected, value);
  assert.equal(findValueEnd('key = # nothing', 6), 6);
});

test('any texts survive being quoted and split', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (list, comment) => {
      const value = list.map((text) => `"${text.replaceAll('"', '""')}"`).join(', ');
      const line = list.length === 0 ? value : `${value} ;${comment}`;
      assert.deepEqual(texts(line.slice(0, findValueEnd(line, 0)).trimEnd()), list);
    }),
  );
});
