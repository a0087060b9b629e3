import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Dispatcher } from '../src/dispatch.js';
import { MemoryFileSystem } from './memory-file-system.js';
import { requestBytes } from './bytes-by-hand.js';

const HEADER_BYTES = 40;
const FORGET = 2;
const BATCH_FORGET = 42;

/** Small numbers find handles and node ids that exist, large ones the limits, text the names. */
const word = fc.oneof(
  fc.nat(8),
  fc.constantFrom(0xffff_ffff, 0x7fff_ffff, 0x20_0000, 4096, 0o100644),
  fc.nat(),
);
const words = fc.array(word, { maxLength: 24 }).map((values) => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
});
const name = fc.constantFrom(
  'a\0',
  'b\0',
  'parked\0',
  '.release\0',
  '..\0',
  '/\0',
  '\0',
  'endless',
  '\xff\0',
);
const names = fc.array(name, { maxLength: 3 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));
const junk = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
const body = fc.tuple(words, names, junk).map((parts) => Buffer.concat(parts));

const request = fc
  .record({
    opcode: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constantFrom(0, 4096, 0xffff_ffff)),
    unique: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    nodeId: fc.oneof(fc.nat(4), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    body,
    /** What is cut off at the end, without the header knowing. */
    cut: fc.oneof(fc.constant(0), fc.nat(200)),
    /** Of the header's own length field. */
    lengthError: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat() }),
  })
  .map(({ opcode, unique, nodeId, body: bytes, cut, lengthError }) => {
    const whole = requestBytes({ opcode, unique, nodeId }, bytes);
    const kept = whole.subarray(0, Math.max(0, whole.length - cut));
    if (kept.length >= 4 && cut % 2 === 0) kept.writeUInt32LE((kept.length + lengthError) >>> 0, 0);
    return kept;
  });

test('no request crashes or hangs the dispatcher, and each has at most one well-formed reply', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const replies: Buffer[] = [];
      const output = {
        write: (reply: Buffer, length: number) => replies.push(Buffer.from(reply.subarray(0, length))),
      };
      const dispatcher = new Dispatcher(new MemoryFileSystem(true), output, () => undefined);
      for (const bytes of requests) {
        replies.length = 0;
        dispatcher.handle(bytes, 0, bytes.length);
        checkReplies(bytes, replies);
      }
    }),
    { numRuns: 2000 },
  );
});

function checkReplies(bytes: Buffer, replies: Buffer[]): void {
  assert.ok(replies.length <= 1);
  const [reply] = replies;
  if (reply === undefined) return;
  assert.ok(bytes.length >= HEADER_BYTES, 'there was nobody to answer');
  assert.equal(reply.readUInt32LE(0), reply.length);
  const error = reply.readInt32LE(4);
  assert.ok(error <= 0 && error > -512);
  if (error < 0) assert.equal(reply.length, 16);
  assert.deepEqual(reply.subarray(8, 16), bytes.subarray(8, 16));
  const opcode = bytes.readUInt32LE(4);
  assert.ok(opcode !== FORGET && opcode !== BATCH_FORGET);
}
