import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { isQuarantineName, quarantineName, refusalOf } from '../src/output-name.js';

test('names that stay in the directory are taken', () => {
  for (const name of [
    'a',
    'a.log',
    'a/b/c',
    '...',
    '..a',
    'a..',
    '.hidden',
    'a/.b',
    '\xff\xfe',
    ' ',
    '_refuse',
  ]) {
    assert.equal(refusalOf(name, 10), undefined, name);
  }
});

test('names that could leave it, or cannot be, are refused', () => {
  const names = [
    '',
    '/',
    '/etc/passwd',
    '..',
    '../a',
    'a/../b',
    'a/..',
    '.',
    './a',
    'a/./b',
    'a//b',
    'a/',
    'a\0b',
  ];
  names.push('x'.repeat(256), `a/${'x'.repeat(256)}/b`, 'x/'.repeat(2100) + 'x', '_refused', '_refused/a');
  for (const name of names) assert.notEqual(refusalOf(name, 10), undefined, name);
  assert.equal(refusalOf(`${'x'.repeat(200)}/`.repeat(20).slice(0, -1), 10), undefined);
  assert.notEqual(refusalOf(`${'x'.repeat(200)}/`.repeat(20).slice(0, -1), 100), undefined);
});

test('every name has a quarantine of its own that is a plain file', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ maxLength: 600, minLength: 200 }),
    fc.constantFrom('.', '..', '%2E', ''),
  );
  const bytes = name.map((text) => Buffer.from(text).toString('latin1'));
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const quarantine = quarantineName(a);
      const [folder, file, ...rest] = quarantine.split('/');
      assert.equal(folder, '_refused');
      assert.deepEqual(rest, []);
      assert.ok(file !== undefined && file.length <= 255 && isQuarantineName(quarantine));
      if (a !== b) assert.notEqual(quarantine, quarantineName(b));
    }),
  );
});
