import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeCreate,
  decodeLink,
  decodeMkdir,
  decodeMknod,
  decodeName,
  decodeRename,
  decodeRename2,
  decodeSymlink,
} from '../src/decode-names.js';
import { MalformedRequestError } from '../src/index.js';
import { bodyOf, text, truncations, u32, u64 } from './bytes-by-hand.js';

test('LOOKUP, UNLINK, RMDIR: a name, any bytes', () => {
  assert.equal(decodeName(bodyOf(text('\xff\xfe \n\0'))), '\xff\xfe \n');
  for (const body of truncations(text('name\0')))
    assert.throws(() => decodeName(body), MalformedRequestError);
});

test('a name that would lead elsewhere is refused', () => {
  for (const name of ['\0', '.\0', '..\0', 'a/b\0', '/\0']) {
    assert.throws(() => decodeName(bodyOf(text(name))), MalformedRequestError, name);
  }
});

test('SYMLINK: name and target, which may be any path and is a copy', () => {
  const body = bodyOf(text('name\0../target\0'));
  const decoded = decodeSymlink(body);
  body.bytes.fill(0);
  assert.deepEqual(decoded, { name: 'name', target: Buffer.from('../target') });
  for (const short of truncations(text('n\0t\0')))
    assert.throws(() => decodeSymlink(short), MalformedRequestError);
});

test('MKNOD', () => {
  const parts = [u32(0o100644, 0x0801, 0o022, 0), text('node\0')];
  assert.deepEqual(decodeMknod(bodyOf(...parts)), { mode: 0o100644, rdev: 0x0801, name: 'node' });
  for (const short of truncations(...parts)) assert.throws(() => decodeMknod(short), MalformedRequestError);
});

test('MKDIR', () => {
  const parts = [u32(0o755, 0o022), text('dir\0')];
  assert.deepEqual(decodeMkdir(bodyOf(...parts)), { mode: 0o755, name: 'dir' });
  for (const short of truncations(...parts)) assert.throws(() => decodeMkdir(short), MalformedRequestError);
});

test('RENAME and RENAME2', () => {
  const names = text('old\0new\0');
  const wanted = { newParent: 5, name: 'old', newName: 'new' };
  assert.deepEqual(decodeRename(bodyOf(u64(5), names)), { ...wanted, flags: 0 });
  assert.deepEqual(decodeRename2(bodyOf(u64(5), u32(2, 0), names)), { ...wanted, flags: 2 });
  for (const short of truncations(u64(5), names))
    assert.throws(() => decodeRename(short), MalformedRequestError);
  for (const short of truncations(u64(5), u32(2, 0), names)) {
    assert.throws(() => decodeRename2(short), MalformedRequestError);
  }
});

test('LINK', () => {
  assert.deepEqual(decodeLink(bodyOf(u64(9), text('more\0'))), { existing: 9, name: 'more' });
  for (const short of truncations(u64(9), text('m\0')))
    assert.throws(() => decodeLink(short), MalformedRequestError);
});

test('CREATE', () => {
  const parts = [u32(0o101, 0o100600, 0o077, 0), text('file\0')];
  assert.deepEqual(decodeCreate(bodyOf(...parts)), { flags: 0o101, mode: 0o100600, name: 'file' });
  for (const short of truncations(...parts)) assert.throws(() => decodeCreate(short), MalformedRequestError);
});
