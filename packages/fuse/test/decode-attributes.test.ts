import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeAccess,
  decodeGetattr,
  decodeGetxattr,
  decodeListxattr,
  decodeRemovexattr,
  decodeSetattr,
  decodeSetxattr,
} from '../src/decode-attributes.js';
import { MalformedRequestError } from '../src/index.js';
import { bodyOf, text, truncations, u32, u64 } from './bytes-by-hand.js';

test('GETATTR: with and without a handle', () => {
  assert.equal(decodeGetattr(bodyOf(u32(0, 0), u64(5))), undefined);
  assert.equal(decodeGetattr(bodyOf(u32(1, 0), u64(5))), 5);
  for (const short of truncations(u32(1, 0), u64(5)))
    assert.throws(() => decodeGetattr(short), MalformedRequestError);
});

const setattr = (valid: number) => [
  u32(valid, 0),
  u64(5, 1234, 0, -86_400, 1_700_000_000, 3),
  u32(11, 22, 33, 0o100640, 0, 1000, 1001, 0),
];

test('SETATTR: only what is valid changes', () => {
  assert.deepEqual(decodeSetattr(bodyOf(...setattr(0))), {});
  assert.deepEqual(decodeSetattr(bodyOf(...setattr(0b1111111))), {
    mode: 0o100640,
    uid: 1000,
    gid: 1001,
    sizeBytes: 1234,
    atime: { seconds: -86_400, nanos: 11 },
    mtime: { seconds: 1_700_000_000, nanos: 22 },
    handle: 5,
  });
  for (const short of truncations(...setattr(1)))
    assert.throws(() => decodeSetattr(short), MalformedRequestError);
});

test('SETATTR: the time of the request stands above a given one', () => {
  assert.deepEqual(decodeSetattr(bodyOf(...setattr(0b110110000))), { atime: 'now', mtime: 'now' });
});

test('ACCESS', () => {
  assert.equal(decodeAccess(bodyOf(u32(4, 0))), 4);
  for (const short of truncations(u32(4, 0))) assert.throws(() => decodeAccess(short), MalformedRequestError);
});

test('SETXATTR: the value may hold anything and is a copy', () => {
  const parts = [u32(3, 1), text('user.x\0'), text('a\0b')];
  const body = bodyOf(...parts);
  const decoded = decodeSetxattr(body);
  body.bytes.fill(0);
  assert.deepEqual(decoded, { name: 'user.x', value: Buffer.from('a\0b'), flags: 1 });
  for (const short of truncations(...parts))
    assert.throws(() => decodeSetxattr(short), MalformedRequestError);
});

test('GETXATTR, LISTXATTR, REMOVEXATTR', () => {
  assert.deepEqual(decodeGetxattr(bodyOf(u32(100, 0), text('user.x\0'))), { name: 'user.x', sizeMax: 100 });
  for (const short of truncations(u32(1, 0), text('u\0'))) {
    assert.throws(() => decodeGetxattr(short), MalformedRequestError);
  }
  assert.equal(decodeListxattr(bodyOf(u32(100, 0))), 100);
  for (const short of truncations(u32(1, 0)))
    assert.throws(() => decodeListxattr(short), MalformedRequestError);
  assert.equal(decodeRemovexattr(bodyOf(text('user.x\0'))), 'user.x');
  for (const short of truncations(text('u\0'))) {
    assert.throws(() => decodeRemovexattr(short), MalformedRequestError);
  }
});
