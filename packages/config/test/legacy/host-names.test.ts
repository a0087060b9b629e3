import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandHostNames } from '../../src/legacy/host-names.js';

test('names of hosts with lists and ranges', () => {
  const table: [pattern: string, names: string[]][] = [
    ['agg1', ['agg1']],
    ['localhost, 127.0.0.1', ['localhost', '127.0.0.1']],
    ['::1', ['::1']],
    [
      'foo[0-3].example.com',
      ['foo0.example.com', 'foo1.example.com', 'foo2.example.com', 'foo3.example.com'],
    ],
    ['foo[1-3]', ['foo1', 'foo2', 'foo3']],
    ['foo[a-c]', ['fooa', 'foob', 'fooc']],
    ['foo[A-B]', ['fooA', 'fooB']],
    ['foo[1,3,x-z]', ['foo1', 'foo3', 'foox', 'fooy', 'fooz']],
    ['foo[abc,d]', ['fooabc', 'food']],
    ['foo[01-03]', ['foo1', 'foo2', 'foo3']],
    ['foo[9-11]', ['foo9', 'foo10', 'foo11']],
    ['f[1-2]g[a-b]', ['f1ga', 'f1gb', 'f2ga', 'f2gb']],
    ['a[1, 2], b', ['a1', 'a2', 'b']],
    ['a,a', ['a']],
  ];
  for (const [pattern, names] of table) assert.deepEqual(expandHostNames(pattern), names, pattern);
});

test('names that are none', () => {
  const table: [pattern: string, fault: RegExp][] = [
    ['', /empty/],
    ['a,,b', /empty/],
    ['a[1-3', /\[ without its \]/],
    ['a]', /\] without its \[/],
    ['a[]', /neither a text nor a range/],
    ['a[3-1]', /backwards/],
    ['a[1-b]', /one kind of text to another/],
    ['a[a-B]', /one kind of text to another/],
    ['a[1-99999999]', /more than 32768/],
    ['a[1-1000][1-1000]', /more than 32768/],
    ['a b', /no part of a host name/],
  ];
  for (const [pattern, fault] of table) {
    const found = expandHostNames(pattern);
    assert.match('fault' in found ? found.fault : '', fault, pattern);
  }
});
