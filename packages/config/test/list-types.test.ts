import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine, listOf, pairOf } from '../src/list-types.js';
import { program } from '../src/path-types.js';
import * as types from '../src/scalar-types.js';
import type { TreeNode } from '../src/tree.js';
import { readNode, readValue } from './reading-helpers.js';

const place = { line: 5, column: 9 };
const assigned = (...texts: string[]): TreeNode => ({
  kind: 'assigned',
  place,
  values: texts.map((text, index) => ({ place: { line: 5 + index, column: 9 }, text })),
});

test('lists', () => {
  const list = listOf(types.integer(0, 9), { expected: 'a list of digits', nonempty: true, distinct: true });
  assert.deepEqual(readValue(list, ['1', '2']), { value: [1, 2], messages: [] });
  assert.deepEqual(readValue(list, '1').messages, ['expected a list of digits, found "1"']);
  assert.deepEqual(readValue(list, []).messages, ['expected a list of digits, found an empty list']);
  assert.deepEqual(readValue(list, ['1', '1']).messages, ['"1" is in the list already']);
  assert.equal(readValue(list, ['x', '1', 'y']).messages.length, 2);
  assert.deepEqual(readNode(list, assigned('1, 2', '3')), { value: [1, 2, 3], messages: [] });
  assert.deepEqual(readNode(list, assigned('1,')).messages, [
    'expected a value beside the comma; an empty one is written ""',
  ]);
  assert.deepEqual(readNode(list, assigned('')).messages, ['expected a list of digits, found an empty list']);
});

test('pairs', () => {
  const pairs = listOf(pairOf(types.anyText, types.anyText, 'a pair'), { expected: 'a list of pairs' });
  assert.deepEqual(
    readValue(pairs, [
      ['a', 'b'],
      ['c', ''],
    ]),
    {
      value: [
        ['a', 'b'],
        ['c', ''],
      ],
      messages: [],
    },
  );
  assert.deepEqual(readValue(pairs, [['a'], 'b', ['a', 'b', 'c']]).messages, [
    'expected a pair, found 1 value',
    'expected a pair, found "b"',
    'expected a pair, found 3 values',
  ]);
  assert.deepEqual(readNode(pairs, assigned('"a, b", c', '', 'd, ""')), {
    value: [
      ['a, b', 'c'],
      ['d', ''],
    ],
    messages: [],
  });
  assert.deepEqual(readNode(pairs, assigned('a, b, c')).messages, ['expected a pair, found 3 values']);
});

test('command lines', () => {
  const command = commandLine(program, types.anyText);
  assert.deepEqual(readValue(command, ['/bin/sh', '-c', '']), { value: ['/bin/sh', '-c', ''], messages: [] });
  assert.deepEqual(readNode(command, assigned('sh, "-c"')), { value: ['sh', '-c'], messages: [] });
  assert.match(readValue(command, []).messages[0] ?? '', /found an empty list$/);
  assert.match(readValue(command, ['/no/such', 'x']).messages[0] ?? '', /there is no \/no\/such$/);
});

test('what INI assigned to a key that takes one value', () => {
  assert.deepEqual(readNode(types.anyText, assigned('a, b')), { value: 'a, b', messages: [] });
  assert.deepEqual(readNode(types.anyText, assigned('"a ; b"')), { value: 'a ; b', messages: [] });
  assert.deepEqual(readNode(types.anyText, assigned('""')), { value: '', messages: [] });
  assert.deepEqual(readNode(types.anyText, assigned('')).messages, ['expected a text, found nothing']);
  assert.deepEqual(readNode(types.anyText, assigned('a', 'b')).messages, [
    'given twice, first on line 5; this key takes one value',
  ]);
  assert.deepEqual(readNode(types.anyText, assigned('"a')).messages, ['the closing double quote is missing']);
});
