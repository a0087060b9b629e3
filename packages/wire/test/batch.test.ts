import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BATCH_PREFIX_BYTES,
  BatchFlag,
  PAYLOAD_BYTES_MAX,
  WireError,
  decodeBatch,
  decodeBatches,
  encodeAttributes,
  inspectBatch,
  readPayloadStart,
  readPosition,
  readTimeMs,
  readTotalBytes,
  writeBatchHeader,
  type BatchFields,
} from '../src/index.js';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const fieldsArbitrary: fc.Arbitrary<BatchFields> = fc.record({
  epoch: uint32,
  sequence: fc.maxSafeNat(),
  stream: fc.maxSafeNat(),
  flags: fc.integer({ min: 0, max: 31 }),
  recordCount: uint32,
  timeSeconds: fc.maxSafeNat(),
  timeNanos: fc.integer({ min: 0, max: 999_999_999 }),
  pid: uint32,
  uid: uint32,
  gid: uint32,
});
const bytesArbitrary = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes));

function encode(fields: BatchFields, path: Buffer, host: string, payload: Buffer): Buffer {
  const attributes = encodeAttributes({ path, host });
  const payloadStart = BATCH_PREFIX_BYTES + attributes.length + 3;
  const target = Buffer.alloc(payloadStart + payload.length, 0xee);
  payload.copy(target, payloadStart);
  const start = writeBatchHeader(target, payloadStart, target.length, fields, attributes);
  assert.equal(start, 3);
  return target.subarray(start);
}

const someFields: BatchFields = {
  epoch: 1,
  sequence: 2 ** 40 + 5,
  stream: 7,
  flags: BatchFlag.STREAM_END,
  recordCount: 2,
  timeSeconds: 1_700_000_000,
  timeNanos: 123_456_789,
  pid: 10,
  uid: 1000,
  gid: 100,
};
const someBatch = () => encode(someFields, Buffer.from('logs/a.log'), 'web1', Buffer.from('one\ntwo\n'));

test('a batch comes back as it was written', () => {
  fc.assert(
    fc.property(
      fieldsArbitrary,
      bytesArbitrary(1, 300),
      fc.string({ unit: 'binary', maxLength: 60 }),
      bytesArbitrary(0, 2000),
      (fields, path, host, payload) => {
        const bytes = encode(fields, path, host, payload);
        const batch = decodeBatch(bytes, 0);
        assert.deepEqual(batch, {
          ...fields,
          path,
          host,
          route: undefined,
          payload,
          totalBytes: bytes.length,
        });
        assert.deepEqual(readPosition(bytes), { epoch: fields.epoch, sequence: fields.sequence });
        assert.equal(readTotalBytes(bytes, 0), bytes.length);
        assert.deepEqual(bytes.subarray(readPayloadStart(bytes)), payload);
        assert.deepEqual(inspectBatch(bytes), {
          timeMs: readTimeMs(bytes),
          records: fields.recordCount,
          flags: fields.flags,
          stream: fields.stream,
          payloadBytes: payload.length,
        });
      },
    ),
  );
});

test('the layout is the documented one', () => {
  const bytes = someBatch();
  assert.equal(bytes[0], 0xb7);
  assert.equal(bytes[1], 1);
  assert.equal(bytes.readUInt16LE(2), 4);
  assert.equal(bytes.readUInt32LE(8), 8);
  assert.equal(bytes.readUInt32LE(16), 1);
  assert.equal(bytes.readUInt32LE(20), 2);
  assert.equal(bytes.readBigUInt64LE(24), 2n ** 40n + 5n);
  assert.equal(bytes.readBigUInt64LE(40), 1_700_000_000n);
  assert.equal(readTimeMs(bytes), 1_700_000_000_123);
});

test('the batches of a message are decoded in order', () => {
  const message = Buffer.concat(
    [1, 2, 3].map((sequence) => encode({ ...someFields, sequence }, Buffer.from('p'), 'h', Buffer.from('x'))),
  );
  assert.deepEqual(
    [...decodeBatches(message)].map((batch) => batch.sequence),
    [1, 2, 3],
  );
  assert.throws(() => [...decodeBatches(message.subarray(0, -1))], { name: 'WireError', code: 'truncated' });
});

test('a batch that is cut off anywhere is refused', () => {
  const bytes = someBatch();
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => decodeBatch(bytes.subarray(0, length), 0), { name: 'WireError', code: 'truncated' });
  }
});

test('every changed byte is noticed, and nothing but WireError is thrown', () => {
  const bytes = someBatch();
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (offset, change) => {
      const damaged = Buffer.from(bytes);
      damaged[offset] = (damaged[offset] ?? 0) ^ change;
      if (offset === 2 || offset === 3) return; // The flags stand before what the checksum covers.
      assert.throws(() => decodeBatch(damaged, 0), WireError);
    }),
    { numRuns: 1000 },
  );
});

test('random bytes with a valid checksum never throw anything but WireError', () => {
  fc.assert(
    fc.property(bytesArbitrary(64, 400), fc.nat({ max: 300 }), (bytes, attributesBytes) => {
      const target = Buffer.concat([Buffer.alloc(BATCH_PREFIX_BYTES), bytes]);
      const cut = Math.min(attributesBytes, bytes.length);
      const attributes = Buffer.from(bytes.subarray(0, cut));
      writeBatchHeader(target, BATCH_PREFIX_BYTES + cut, target.length, someFields, attributes);
      try {
        decodeBatch(target, 0);
      } catch (error) {
        assert.ok(error instanceof WireError);
      }
    }),
    { numRuns: 1000 },
  );
});

test('lengths beyond the limits are refused before anything is read', () => {
  const attributes = someBatch();
  attributes.writeUInt32LE(64 * 1024 + 1, 4);
  assert.throws(() => decodeBatch(attributes, 0), { code: 'limit' });
  const payload = someBatch();
  payload.writeUInt32LE(PAYLOAD_BYTES_MAX + 1, 8);
  assert.throws(() => decodeBatch(payload, 0), { code: 'limit' });
  const sequence = someBatch();
  sequence.writeUInt32LE(0x20_0000, 28);
  assert.throws(() => decodeBatch(sequence, 0), WireError);
});

test('a batch of another version is refused by name', () => {
  const bytes = someBatch();
  bytes[1] = 2;
  assert.throws(() => decodeBatch(bytes, 0), { code: 'malformed', message: /version 2/ });
});

test('no room in front of the payload is a programmer error', () => {
  const attributes = encodeAttributes({ path: Buffer.from('p'), host: 'h' });
  assert.throws(() => writeBatchHeader(Buffer.alloc(200), 60, 200, someFields, attributes), RangeError);
});
