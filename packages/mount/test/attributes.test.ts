import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIRECTORY, inheritGroup, REGULAR, showAttributes, SYMLINK, timestampOf } from '../src/attributes.js';

void test('times before 1970 have nanoseconds that count upwards', () => {
  assert.deepEqual(timestampOf(1_700_000_000_123_456_789n), { seconds: 1_700_000_000, nanos: 123_456_789 });
  assert.deepEqual(timestampOf(-1n), { seconds: -1, nanos: 999_999_999 });
  assert.deepEqual(timestampOf(-2_000_000_000n), { seconds: -2, nanos: 0 });
});

void test('below a setgid directory the group is handed on, to directories the bit, too', () => {
  const parent = { mode: DIRECTORY | 0o2775, gid: 50 };
  assert.deepEqual(inheritGroup(parent, { mode: DIRECTORY | 0o755, gid: 7 }), {
    mode: DIRECTORY | 0o2755,
    gid: 50,
  });
  assert.deepEqual(inheritGroup(parent, { mode: REGULAR | 0o644, gid: 7 }), {
    mode: REGULAR | 0o644,
    gid: 50,
  });
  const plain = { mode: DIRECTORY | 0o775, gid: 50 };
  assert.deepEqual(inheritGroup(plain, { mode: REGULAR | 0o644, gid: 7 }), { mode: REGULAR | 0o644, gid: 7 });
});

void test('settings replace owner and permissions, but not those of symlinks', () => {
  const time = { seconds: 0, nanos: 0 };
  const base = { ino: 2, sizeBytes: 0, blocks: 0, atime: time, mtime: time, ctime: time, nlink: 1, rdev: 0 };
  const stored = { ...base, blockBytes: 4096, uid: 1, gid: 2 };
  const shown = { umask: 0o027, uid: 8, gid: 9 };
  const file = showAttributes({ ...stored, mode: REGULAR | 0o4777 }, shown);
  assert.deepEqual([file.mode, file.uid, file.gid], [REGULAR | 0o4750, 8, 9]);
  assert.equal(showAttributes({ ...stored, mode: SYMLINK | 0o777 }, shown).mode, SYMLINK | 0o777);
  assert.deepEqual(showAttributes({ ...stored, mode: REGULAR | 0o666 }, {}), {
    ...stored,
    mode: REGULAR | 0o666,
  });
});
