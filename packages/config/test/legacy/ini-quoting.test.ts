import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unquote } from '../../src/legacy/ini-quoting.js';

test('quotes, backslashes and comments of a value in INI', () => {
  const table: [written: string, text: string | undefined][] = [
    ['plain text', 'plain text'],
    ['  blanks \t', 'blanks'],
    ['a # comment', 'a'],
    ['a#b', 'a#b'],
    ['# all of it', ''],
    ['"a # b"', 'a # b'],
    ["'a # b' # c", 'a # b'],
    ['a\\ b', 'a b'],
    ['\\\\ \\" \\\'', '\\ " \''],
    ['%l\\n', '%ln'],
    ['"%l\\n"', '%l\\n'],
    ['"a\\"b"', 'a"b'],
    ['"a\\\\b"', 'a\\b'],
    ['"a\\.b"', 'a\\.b'],
    ["'a\\\\b\"'", 'a\\\\b"'],
    ['ab"cd"\'ef\'gh', 'abcdefgh'],
    ['"a", "b"', 'a, b'],
    ['\'"a.c"\'', '"a.c"'],
    ['\\"a.c\\"', '"a.c"'],
    ['"  kept not "', 'kept not'],
    ['\\#a', '#a'],
    ['a \\# b', 'a # b'],
    ["it's", undefined],
    ['"open', undefined],
    ['a\\', undefined],
    ['', ''],
  ];
  for (const [written, text] of table) assert.equal(unquote(written), text, written);
});
