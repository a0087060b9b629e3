import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeAttributesReply,
  encodeEntry,
  encodeOffset,
  encodeOpened,
  encodeReplyHeader,
  encodeSize,
  encodeStatistics,
} from '../src/encode.js';
import { RequestHeader } from '../src/request.js';
import { requestBytes, u32, u64 } from './bytes-by-hand.js';

const AT = 8;

/** What an encoder writes, from AT on, into a buffer that was not empty before. */
function written(encode: (target: Buffer, at: number) => number): Buffer {
  const target = Buffer.alloc(512, 0xaa);
  const end = encode(target, AT);
  assert.ok(target.subarray(0, AT).every((byte) => byte === 0xaa) && target[end] === 0xaa);
  return target.subarray(AT, end);
}

const attributes = {
  ino: 2 ** 40,
  sizeBytes: 5_000_000_000,
  blocks: 3,
  atime: { seconds: -1, nanos: 1 },
  mtime: { seconds: 2 ** 33, nanos: 2 },
  ctime: { seconds: 0, nanos: 999_999_999 },
  mode: 0o100644,
  nlink: 2,
  uid: 1000,
  gid: 4_294_967_294,
  rdev: 0x0801,
  blockBytes: 4096,
};
const attributesBytes = Buffer.concat([
  u64(2n ** 40n, 5_000_000_000, 3, -1, 2n ** 33n, 0),
  u32(1, 2, 999_999_999, 0o100644, 2, 1000, 4_294_967_294, 0x0801, 4096, 0),
]);

test('the header repeats both halves of the number and tells the error as negative', () => {
  const request = new RequestHeader();
  request.decode(requestBytes({ opcode: 1, unique: (1n << 63n) + 8n }), 0, 40);
  const target = Buffer.alloc(16, 0xaa);
  encodeReplyHeader(target, 16, 2, request);
  assert.deepEqual(target, Buffer.concat([u32(16, 0xffff_fffe), u64((1n << 63n) + 8n)]));
});

test('an entry', () => {
  const entry = { nodeId: 7, generation: 1, attributes, entryValidMs: 1500, attributesValidMs: 250 };
  assert.deepEqual(
    written((target, at) => encodeEntry(target, at, entry)),
    Buffer.concat([u64(7, 1, 1, 0), u32(500_000_000, 250_000_000), attributesBytes]),
  );
});

test('attributes', () => {
  assert.deepEqual(
    written((target, at) => encodeAttributesReply(target, at, attributes, 60_000)),
    Buffer.concat([u64(60), u32(0, 0), attributesBytes]),
  );
});

test('an opened file', () => {
  assert.deepEqual(
    written((target, at) => encodeOpened(target, at, { handle: 9 })),
    Buffer.concat([u64(9), u32(0, 0)]),
  );
  const opened = { handle: 9, directIo: true, keepCache: true, nonSeekable: true };
  assert.deepEqual(
    written((target, at) => encodeOpened(target, at, opened)),
    Buffer.concat([u64(9), u32(7, 0)]),
  );
});

test('a size and an offset', () => {
  assert.deepEqual(
    written((target, at) => encodeSize(target, at, 131_072)),
    u32(131_072, 0),
  );
  assert.deepEqual(
    written((target, at) => encodeOffset(target, at, 2 ** 50)),
    u64(2n ** 50n),
  );
});

test('statistics of a file system', () => {
  const statistics = {
    blocks: 1,
    blocksFree: 2,
    blocksAvailable: 3,
    files: 4,
    filesFree: 5,
    blockBytes: 6,
    fragmentBytes: 7,
    nameBytesMax: 8,
  };
  assert.deepEqual(
    written((target, at) => encodeStatistics(target, at, statistics)),
    Buffer.concat([u64(1, 2, 3, 4, 5), u32(6, 8, 7, 0, 0, 0, 0, 0, 0, 0)]),
  );
});
