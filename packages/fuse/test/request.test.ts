import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyRequest, RequestHeader } from '../src/request.js';
import { requestBytes, u64 } from './bytes-by-hand.js';

const RESENT = 1n << 63n;

function decoded(bytes: Buffer, lengthBytes = bytes.length): { header: RequestHeader; sound: boolean } {
  const header = new RequestHeader();
  return { sound: header.decode(bytes, 0, lengthBytes), header };
}

test('a header is read field by field', () => {
  const bytes = requestBytes({ opcode: 16, unique: 2n ** 40n, nodeId: 2n ** 45n, uid: 7, gid: 8, pid: 9 });
  const { header, sound } = decoded(bytes);
  assert.equal(sound, true);
  assert.deepEqual(copyRequest(header), {
    unique: 2 ** 40,
    uniqueLow: 0,
    uniqueHigh: 256,
    resent: false,
    nodeId: 2 ** 45,
    uid: 7,
    gid: 8,
    pid: 9,
  });
});

test('the resend mark is told, left out of the number, and kept for the reply', () => {
  const { header } = decoded(requestBytes({ opcode: 16, unique: RESENT + 6n }));
  assert.equal(header.resent, true);
  assert.equal(header.unique, 6);
  assert.equal(header.uniqueHigh, 0x8000_0000);
});

test('a copy stays when the header is filled anew', () => {
  const { header } = decoded(requestBytes({ opcode: 1, unique: 10, nodeId: 3 }));
  const copy = copyRequest(header);
  header.decode(requestBytes({ opcode: 1, unique: 12, nodeId: 4 }), 0, 40);
  assert.deepEqual([copy.unique, copy.nodeId], [10, 3]);
});

test('a header that contradicts its request is not sound', () => {
  const bytes = requestBytes({ opcode: 1 }, Buffer.alloc(8));
  assert.equal(decoded(bytes, 47).sound, false);
  assert.equal(decoded(bytes, 39).sound, false);
  assert.equal(decoded(requestBytes({ opcode: 1, nodeId: 2n ** 53n })).sound, false);
  assert.equal(decoded(Buffer.concat([bytes, u64(0)])).sound, false);
});
