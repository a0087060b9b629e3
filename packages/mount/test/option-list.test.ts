import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeOption, splitOptionList } from '../src/option-list.js';

void test('a list is split at commas that no backslash protects', () => {
  const rows: [list: string, expected: [string, string | undefined][]][] = [
    ['', []],
    [',,', []],
    ['allow_other', [['allow_other', undefined]]],
    [
      'conf=/etc/x.ini,umask=022,',
      [
        ['conf', '/etc/x.ini'],
        ['umask', '022'],
      ],
    ],
    ['json={"a":1\\,"b":"c=d"}', [['json', '{"a":1,"b":"c=d"}']]],
    ['json="\\\\d\\\\\\,"', [['json', '"\\d\\,"']]],
    ['comment=a\\054b', [['comment', 'a,b']]],
    ['x=a\\', [['x', 'a\\']]],
    ['uid=', [['uid', '']]],
  ];
  for (const [list, expected] of rows)
    assert.deepEqual(
      splitOptionList(list),
      expected.map(([name, value]) => ({ name, value })),
      list,
    );
});

void test('every escaped value comes back', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 4 }), (values) => {
      const list = values.map((value) => `x=${escapeOption(value)}`).join(',');
      assert.deepEqual(
        splitOptionList(list),
        values.map((value) => ({ name: 'x', value })),
      );
    }),
  );
});
