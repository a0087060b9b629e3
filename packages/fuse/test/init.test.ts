import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeInit, encodeInit, settle, type FlagWords } from '../src/init.js';
import { MalformedRequestError } from '../src/index.js';
import { bodyOf, truncations, u32 } from './bytes-by-hand.js';

const MIB = 1024 * 1024;
const EVERYTHING: FlagWords = [0xffff_ffff, 0xffff_ffff];

const offer = (flags: FlagWords, minor = 45) => ({ major: 7, minor, readaheadBytesMax: 131_072, flags });

test('INIT is decoded, with the second word of flags when the kernel sends one', () => {
  const extended = [u32(7, 40, 131_072, 1 << 30, 0x80), Buffer.alloc(44)];
  assert.deepEqual(decodeInit(bodyOf(...extended)), offer([1 << 30, 0x80], 40));
  assert.deepEqual(decodeInit(bodyOf(u32(7, 31, 131_072, 5))), offer([5, 0], 31));
  for (const short of truncations(...extended)) assert.throws(() => decodeInit(short), MalformedRequestError);
});

test('of everything only what is wanted is taken', () => {
  const settled = settle(offer(EVERYTHING), MIB);
  const low = [0, 5, 12, 13, 14, 18, 22, 30].reduce((word, bit) => word + 2 ** bit, 0);
  assert.deepEqual(settled, {
    protocolMinor: 40,
    writeBytesMax: MIB,
    flags: [low, 2 ** (36 - 32) + 2 ** (39 - 32)],
    canResend: true,
  });
});

test('an older kernel gets its own version and what it can', () => {
  const settled = settle(offer([1 << 5, 0], 27), MIB);
  assert.deepEqual(settled, { protocolMinor: 27, writeBytesMax: 131_072, flags: [32, 0], canResend: false });
});

test('the largest write is whole pages, and at least one', () => {
  assert.equal(settle(offer(EVERYTHING), 10_000).writeBytesMax, 8192);
  assert.equal(settle(offer(EVERYTHING), 1).writeBytesMax, 4096);
  assert.equal(settle(offer(EVERYTHING), 64 * MIB).writeBytesMax, MIB);
});

test('the reply to INIT', () => {
  const target = Buffer.alloc(80, 0xaa);
  const kernel = offer(EVERYTHING);
  assert.equal(encodeInit(target, 16, kernel, settle(kernel, MIB)), 80);
  const [low, high] = settle(kernel, MIB).flags;
  const expected = Buffer.concat([u32(7, 40, 131_072, low, 0, MIB, 1, 256, high), Buffer.alloc(28)]);
  assert.deepEqual(target.subarray(16), expected);
});

test('reads keep their 32 pages when writes are to be small', () => {
  const target = Buffer.alloc(64);
  const kernel = offer(EVERYTHING);
  encodeInit(target, 0, kernel, settle(kernel, 4096));
  assert.equal(target.readUInt16LE(28), 32);
});
