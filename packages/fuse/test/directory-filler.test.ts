import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { test } from 'node:test';
import { ReplyFiller } from '../src/directory-filler.js';
import { text, u32, u64 } from './bytes-by-hand.js';

const FROM = 16;
const REGULAR = constants.S_IFREG | 0o644;
const TIME = { seconds: 0, nanos: 0 };
const looked = {
  nodeId: 5,
  generation: 0,
  entryValidMs: 0,
  attributesValidMs: 0,
  attributes: {
    ino: 5,
    sizeBytes: 0,
    blocks: 0,
    atime: TIME,
    mtime: TIME,
    ctime: TIME,
    mode: REGULAR,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    blockBytes: 0,
  },
};

function filling(bytes: number, plus: boolean): { filler: ReplyFiller; filled: () => Buffer } {
  const target = Buffer.alloc(FROM + bytes, 0xaa);
  const filler = new ReplyFiller();
  filler.begin(target, FROM, FROM + bytes, plus);
  return { filler, filled: () => target.subarray(FROM, filler.end) };
}

test('entries stand one behind the other, padded to eight bytes', () => {
  const { filler, filled } = filling(1000, false);
  assert.equal(filler.add({ name: 'a', ino: 7, mode: REGULAR }, 1), true);
  assert.equal(filler.add({ name: '12345678', ino: 8, mode: constants.S_IFDIR }, 2), true);
  assert.deepEqual(
    filled(),
    Buffer.concat([u64(7, 1), u32(1, 8), text('a\0\0\0\0\0\0\0'), u64(8, 2), u32(8, 4), text('12345678')]),
  );
});

test('an entry that does not fit is refused and leaves no trace', () => {
  const { filler, filled } = filling(32 + 31, false);
  assert.equal(filler.add({ name: 'a', ino: 7, mode: REGULAR }, 1), true);
  assert.equal(filler.add({ name: 'b', ino: 8, mode: REGULAR }, 2), false);
  assert.equal(filled().length, 32);
});

test('readdirplus puts what lookup would say in front', () => {
  const { filler, filled } = filling(160, true);
  assert.equal(filler.addWithEntry({ name: 'a', ino: 5, mode: REGULAR }, 1, looked), true);
  assert.equal(filler.addWithEntry({ name: 'b', ino: 6, mode: REGULAR }, 2, looked), false);
  assert.deepEqual(filled().subarray(0, 8), u64(5));
  assert.deepEqual(filled().subarray(128), Buffer.concat([u64(5, 1), u32(1, 8), text('a\0\0\0\0\0\0\0')]));
});

test('readdirplus without an entry tells node id 0, and readdir leaves an entry out', () => {
  const withNone = filling(160, true);
  assert.equal(withNone.filler.add({ name: 'a', ino: 5, mode: REGULAR }, 1), true);
  assert.deepEqual(withNone.filled().subarray(0, 128), Buffer.alloc(128));
  const plain = filling(32, false);
  assert.equal(plain.filler.addWithEntry({ name: 'a', ino: 5, mode: REGULAR }, 1, looked), true);
  assert.equal(plain.filled().length, 32);
});

test('a name that would spoil the whole directory is an error of the file system', () => {
  const { filler } = filling(160, false);
  assert.throws(() => filler.add({ name: '', ino: 5, mode: REGULAR }, 1));
  assert.throws(() => filler.add({ name: 'a/b', ino: 5, mode: REGULAR }, 1));
});
