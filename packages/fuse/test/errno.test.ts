import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { ERRNO, errnoName, errnoOf, FuseError, type ErrnoName } from '../src/index.js';

test('the table says what this system says', () => {
  const names = Object.keys(ERRNO) as ErrnoName[];
  const known = new Map(Object.entries(constants.errno));
  const checked = names.filter((name) => known.has(name));
  assert.ok(checked.length > 50);
  for (const name of checked) assert.equal(ERRNO[name], known.get(name), name);
});

test('a system error is answered with the number of its code', () => {
  assert.throws(
    () => readFileSync('/nowhere/at/all'),
    (error) => errnoOf(error) === ERRNO.ENOENT,
  );
  assert.equal(errnoOf(Object.assign(new Error('full'), { code: 'ENOSPC', errno: -28 })), ERRNO.ENOSPC);
  assert.equal(errnoOf(Object.assign(new Error('no'), { code: 'ENOTSUP' })), ERRNO.EOPNOTSUPP);
});

test('a number without a known name is taken as it is, when the kernel would take it', () => {
  assert.equal(errnoOf(Object.assign(new Error('odd'), { code: 'EODD', errno: -44 })), 44);
  assert.equal(errnoOf(Object.assign(new Error('odd'), { code: 'EODD', errno: -4095 })), undefined);
  assert.equal(errnoOf(Object.assign(new Error('odd'), { code: 'EODD', errno: 44 })), undefined);
});

test('a fuse error carries number and name', () => {
  assert.equal(new FuseError('EDQUOT').errno, 122);
  assert.equal(new FuseError(122).code, 'EDQUOT');
  assert.equal(errnoName(500), 'E500');
  assert.equal(errnoOf(new FuseError('EXDEV')), ERRNO.EXDEV);
  assert.equal(errnoOf(new FuseError(0)), undefined);
  assert.equal(errnoOf(new FuseError(512)), undefined);
});

test('anything else is no answer', () => {
  for (const error of [new Error('bug'), new TypeError('bug'), 'text', undefined, null, { code: 'ENOENT' }]) {
    assert.equal(errnoOf(error), undefined);
  }
  assert.equal(errnoOf(Object.assign(new Error('bug'), { code: 'ERR_INVALID_ARG_TYPE' })), undefined);
});
