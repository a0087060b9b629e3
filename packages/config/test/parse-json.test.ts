import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../src/parse-json.js';
import { plainOf } from './reading-helpers.js';

/** What the tree makes of a JSON value: texts. */
function textual(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(textual);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, textual(inner)]));
  }
  if (value === null || typeof value === 'string') return value;
  return JSON.stringify(value);
}

test('reads what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      const { root, problems } = parseJson(text);
      assert.deepEqual(problems, []);
      assert.deepEqual(plainOf(root), textual(JSON.parse(text)));
    }),
  );
});

test('accepts a text exactly when JSON.parse does', () => {
  const tokens = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '1',
    '-',
    '0',
    '.5',
    'e1',
    'true',
    'nul',
    'null',
    ' ',
    '\n',
    "'",
    '#',
    '"',
  );
  fc.assert(
    fc.property(fc.array(tokens, { maxLength: 9 }), (parts) => {
      const text = parts.join('');
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      assert.equal(parseJson(text).root !== undefined, valid, text);
    }),
    { numRuns: 2000 },
  );
});

test('says what is wrong, and where', () => {
  const cases: [string, number, number, string][] = [
    ['', 1, 1, 'JSON: expected a value, found the end'],
    ['{"a": 1,}', 1, 9, 'JSON: expected a key in double quotes, found "}"'],
    ['{"a": 1\n "b": 2}', 2, 2, 'JSON: expected a comma or a closing brace, found "\\""'],
    ['{\n  "a" 1}', 2, 7, 'JSON: expected a colon after the key, found "1"'],
    ['{\n  a: 1}', 2, 3, 'JSON: expected a key in double quotes, found "a"'],
    ['[1 2]', 1, 4, 'JSON: expected a comma or a closing bracket, found "2"'],
    ['[01]', 1, 3, 'JSON: expected a comma or a closing bracket, found "1"'],
    ['{"a": yes}', 1, 7, 'JSON: expected a value, found "y"'],
    ['{"a": "b}', 1, 7, 'JSON: the closing double quote is missing'],
    ['{"a": "\\x"}', 1, 7, 'JSON: a text holds an unknown escape or a control character'],
    ['{"a": "x\ny"}', 1, 7, 'JSON: a text holds an unknown escape or a control character'],
    ['{} // no', 1, 4, 'JSON: expected the end after the last closing brace'],
    ['['.repeat(100), 1, 66, 'JSON: too many levels'],
  ];
  for (const [text, line, column, message] of cases) {
    const { root, problems } = parseJson(text);
    assert.equal(root, undefined);
    assert.deepEqual(problems, [{ place: { line, column }, message }], text);
  }
});

test('a repeated key is reported, and what stood first is read on', () => {
  const { root, problems } = parseJson('{"a": 1,\n "a": 2}');
  assert.deepEqual(plainOf(root), { a: '1' });
  const message = 'this key was given before, in the same section';
  assert.deepEqual(problems, [{ place: { line: 2, column: 2 }, key: 'a', message }]);
});
