import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestBody } from '../src/body.js';
import {
  decodeBatchForget,
  decodeCopyFileRange,
  decodeFallocate,
  decodeFlush,
  decodeForget,
  decodeFsync,
  decodeInterrupt,
  decodeLseek,
  decodeOpen,
  decodeRead,
  decodeRelease,
  decodeWrite,
} from '../src/decode-files.js';
import { FuseError, MalformedRequestError, type WriteArguments } from '../src/index.js';
import { bodyOf, text, truncations, u32, u64 } from './bytes-by-hand.js';

const readInto = { handle: 0, offset: 0, sizeBytes: 0 };
const writeInto = (): WriteArguments => ({
  handle: 0,
  offset: 0,
  buffer: Buffer.alloc(0),
  start: 0,
  end: 0,
  fromCache: false,
  openFlags: 0,
});

interface Case {
  what: string;
  parts: Buffer[];
  decode: (body: RequestBody) => unknown;
  expected: unknown;
}

const CASES: Case[] = [
  { what: 'OPEN', parts: [u32(0o2001, 0)], decode: decodeOpen, expected: 0o2001 },
  {
    what: 'READ',
    parts: [u64(3, 4096), u32(100, 0), u64(-1), u32(0, 0)],
    decode: (body) => decodeRead(body, readInto),
    expected: { handle: 3, offset: 4096, sizeBytes: 100 },
  },
  { what: 'FLUSH', parts: [u64(3), u32(0, 0), u64(-1)], decode: decodeFlush, expected: 3 },
  {
    what: 'RELEASE',
    parts: [u64(3), u32(0o1, 0), u64(-1)],
    decode: decodeRelease,
    expected: { handle: 3, openFlags: 1 },
  },
  {
    what: 'FSYNC',
    parts: [u64(3), u32(0, 0)],
    decode: decodeFsync,
    expected: { handle: 3, dataOnly: false },
  },
  {
    what: 'FSYNC of data',
    parts: [u64(3), u32(1, 0)],
    decode: decodeFsync,
    expected: { handle: 3, dataOnly: true },
  },
  {
    what: 'FALLOCATE',
    parts: [u64(3, 10, 20), u32(1, 0)],
    decode: decodeFallocate,
    expected: { handle: 3, offset: 10, lengthBytes: 20, mode: 1 },
  },
  {
    what: 'LSEEK',
    parts: [u64(3, 10), u32(4, 0)],
    decode: decodeLseek,
    expected: { handle: 3, offset: 10, whence: 4 },
  },
  {
    what: 'COPY_FILE_RANGE',
    parts: [u64(1, 2, 3, 4, 5, 6, 0)],
    decode: decodeCopyFileRange,
    expected: { from: { handle: 1, offset: 2 }, to: { nodeId: 3, handle: 4, offset: 5 }, lengthBytes: 6 },
  },
  { what: 'FORGET', parts: [u64(7)], decode: decodeForget, expected: 7 },
  {
    what: 'BATCH_FORGET',
    parts: [u32(2, 0), u64(11, 1, 12, 2)],
    decode: decodeBatchForget,
    expected: [
      { nodeId: 11, lookups: 1 },
      { nodeId: 12, lookups: 2 },
    ],
  },
  { what: 'INTERRUPT', parts: [u64(2n ** 40n)], decode: decodeInterrupt, expected: 2 ** 40 },
  {
    what: 'INTERRUPT of a resent request',
    parts: [u64((1n << 63n) + 6n)],
    decode: decodeInterrupt,
    expected: 6,
  },
];

for (const { what, parts, decode, expected } of CASES) {
  test(`${what} is decoded, and refused when it is short`, () => {
    assert.deepEqual(decode(bodyOf(...parts)), expected);
    for (const short of truncations(...parts)) assert.throws(() => decode(short), MalformedRequestError);
  });
}

test('WRITE leaves its data in place', () => {
  const data = text('some bytes');
  const parts = [u64(3, 4096), u32(data.length, 1), u64(-1), u32(0o2001, 0), data];
  const body = bodyOf(...parts);
  const { buffer, start, end, ...rest } = decodeWrite(body, writeInto());
  assert.deepEqual(rest, { handle: 3, offset: 4096, fromCache: true, openFlags: 0o2001 });
  assert.equal(buffer, body.bytes);
  assert.deepEqual(buffer.subarray(start, end), data);
  for (const short of truncations(...parts)) {
    assert.throws(() => decodeWrite(short, writeInto()), MalformedRequestError);
  }
});

test('WRITE with more data than it says is refused', () => {
  const body = bodyOf(u64(3, 0), u32(1, 0), u64(0), u32(0, 0), text('ab'));
  assert.throws(() => decodeWrite(body, writeInto()), MalformedRequestError);
});

test('BATCH_FORGET that promises more than it holds is refused at once', () => {
  assert.throws(() => decodeBatchForget(bodyOf(u32(0xffff_ffff, 0), u64(1, 1))), MalformedRequestError);
});

test('an offset above 2^53 gets EFBIG, a handle above it is malformed', () => {
  const far = bodyOf(u64(3, 2n ** 53n), u32(1, 0), u64(0), u32(0, 0));
  assert.throws(
    () => decodeRead(far, readInto),
    (error) => error instanceof FuseError && error.code === 'EFBIG',
  );
  const strange = bodyOf(u64(2n ** 53n, 0), u32(1, 0), u64(0), u32(0, 0));
  assert.throws(() => decodeRead(strange, readInto), MalformedRequestError);
});
