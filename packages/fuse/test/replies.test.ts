import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO, type FuseReplies } from '../src/index.js';
import { ParkedReplies } from '../src/replies.js';
import { copyRequest, RequestHeader } from '../src/request.js';
import { requestBytes, u32, u64 } from './bytes-by-hand.js';

const UNIQUE = (1n << 63n) + 8n;

function reply(send: (replies: FuseReplies, request: RequestHeader) => void): Buffer {
  const request = new RequestHeader();
  request.decode(requestBytes({ opcode: 16, unique: UNIQUE }), 0, 40);
  const sent: Buffer[] = [];
  send(
    new ParkedReplies({ write: (bytes, length) => sent.push(Buffer.from(bytes.subarray(0, length))) }),
    Object.assign(new RequestHeader(), copyRequest(request)),
  );
  assert.equal(sent.length, 1);
  return Buffer.concat(sent);
}

test('a parked request is answered with the number it came with', () => {
  assert.deepEqual(
    reply((replies, request) => {
      replies.replyError(request, ERRNO.EINTR);
    }),
    Buffer.concat([u32(16, 2 ** 32 - 4), u64(UNIQUE)]),
  );
  assert.deepEqual(
    reply((replies, request) => {
      replies.replyEmpty(request);
    }),
    Buffer.concat([u32(16, 0), u64(UNIQUE)]),
  );
  assert.deepEqual(
    reply((replies, request) => {
      replies.replyWritten(request, 100);
    }),
    Buffer.concat([u32(24, 0), u64(UNIQUE), u32(100, 0)]),
  );
});

test('a parked request is answered with an entry or with attributes', () => {
  const time = { seconds: 0, nanos: 0 };
  const times = { atime: time, mtime: time, ctime: time };
  const owner = { uid: 0, gid: 0, rdev: 0, blockBytes: 0 };
  const attributes = { ino: 7, sizeBytes: 1, blocks: 0, ...times, mode: 0o100644, nlink: 1, ...owner };
  const entry = { nodeId: 7, generation: 0, attributes, entryValidMs: 0, attributesValidMs: 0 };
  const entryReply = reply((replies, request) => {
    replies.replyEntry(request, entry);
  });
  assert.equal(entryReply.length, 16 + 128);
  assert.deepEqual(entryReply.subarray(16, 24), u64(7));
  const attributesReply = reply((replies, request) => {
    replies.replyAttributes(request, attributes, 1000);
  });
  assert.equal(attributesReply.length, 16 + 104);
  assert.deepEqual(attributesReply.subarray(16, 24), u64(1));
});
