import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeInvalidateEntry, encodeInvalidateInode, encodeResend } from '../src/notifications.js';
import { text, u32, u64 } from './bytes-by-hand.js';

test('a resend is a header with the number of the notification', () => {
  assert.deepEqual(encodeResend(), Buffer.concat([u32(16, 7), u64(0)]));
});

test('an inode is named with the range that is out of date', () => {
  assert.deepEqual(encodeInvalidateInode(9, 4096, 10), Buffer.concat([u32(40, 2), u64(0, 9, 4096, 10)]));
});

test('a name is named with its directory, and ends with a zero byte', () => {
  const expected = Buffer.concat([u32(36, 3), u64(0, 1), u32(3, 0), text('abc'), Buffer.from([0])]);
  assert.deepEqual(encodeInvalidateEntry(1, 'abc'), expected);
});
