import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pack } from 'msgpackr';
import {
  RANGES_MAX,
  WireError,
  decodeMessage,
  encodeMessage,
  holdsBatches,
  type ControlMessage,
} from '../src/index.js';

const text = fc.string({ unit: 'binary', maxLength: 200 });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const ranges = fc
  .uniqueArray(fc.maxSafeNat(), { maxLength: 60 })
  .map((numbers) => numbers.sort((a, b) => a - b))
  .map((numbers) =>
    Array.from({ length: numbers.length >> 1 }, (_, index): [number, number] => [
      numbers[2 * index] ?? 0,
      numbers[2 * index + 1] ?? 0,
    ]),
  );
const messageArbitrary: fc.Arbitrary<ControlMessage> = fc.oneof(
  fc.record({
    type: fc.constant('hello'),
    protocol: fc.constant(1),
    source: fc.uuid(),
    epoch: uint32,
    host: fc.domain(),
    software: text,
    token: fc.option(text, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('welcome'),
    protocol: fc.constant(1),
    software: text,
    messageBytesMax: fc.integer({ min: 0, max: 32 * 1024 * 1024 }),
  }),
  fc.record({ type: fc.constant('floor'), epoch: uint32, sequence: fc.maxSafeNat() }),
  fc.record({ type: fc.constant('ack'), epoch: uint32, ranges }),
  fc.record({ type: fc.constant('error'), code: text, message: text }),
  fc.record({
    type: fc.constant('status'),
    state: fc.constantFrom('accepting', 'full', 'draining'),
    reason: text,
  }),
);

const control = (value: unknown) => Buffer.concat([Buffer.of(1), pack(value)]);

test('messages come back as they were sent', () => {
  fc.assert(
    fc.property(messageArbitrary, (message) => {
      const encoded = encodeMessage(message);
      assert.equal(holdsBatches(encoded), false);
      const decoded = decodeMessage(encoded);
      assert.deepEqual(
        Object.entries(decoded).filter(([, value]) => value !== undefined),
        Object.entries(message).filter(([, value]) => value !== undefined),
      );
    }),
    { numRuns: 500 },
  );
});

test('cut or changed messages are decoded or refused, and nothing else', () => {
  fc.assert(
    fc.property(
      messageArbitrary,
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.boolean(),
      (message, place, byte, cut) => {
        const encoded = encodeMessage(message);
        const changed = cut ? encoded.subarray(0, place % encoded.length) : Buffer.from(encoded);
        if (!cut) changed[place % encoded.length] = byte;
        refusedOrDecoded(changed);
      },
    ),
    { numRuns: 3000 },
  );
});

test('random bytes are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      refusedOrDecoded(Buffer.concat([Buffer.of(1), bytes]));
    }),
    { numRuns: 3000 },
  );
});

function refusedOrDecoded(bytes: Buffer): void {
  try {
    decodeMessage(bytes);
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
  }
}

test('lengths that are announced are not believed', () => {
  const hugeArray = Buffer.from('01dd7fffffff', 'hex');
  assert.throws(() => decodeMessage(hugeArray), { code: 'truncated' });
  const nested = Buffer.alloc(100_000, 0x91);
  nested[0] = 1;
  assert.throws(() => decodeMessage(nested), { code: 'malformed' });
  assert.throws(() => decodeMessage(Buffer.alloc(300 * 1024, 1)), { code: 'limit' });
});

test('extension types and keys that mean something to JavaScript do no harm', () => {
  assert.throws(() => decodeMessage(Buffer.from('01d6ff00000000', 'hex')), { code: 'malformed' });
  const message = decodeMessage(control({ type: 'error', code: 'x', message: 'y', ['__proto__x']: 1 }));
  assert.deepEqual(message, { type: 'error', code: 'x', message: 'y' });
  const proto = Buffer.concat([
    Buffer.of(1, 0x81, 0xa9),
    Buffer.from('__proto__'),
    Buffer.of(0x81, 0xa4),
    Buffer.from('type'),
    Buffer.of(0xa1, 0x78),
  ]);
  assert.throws(() => decodeMessage(proto), { name: 'WireError' });
});

test('every field is validated', () => {
  const hello = {
    type: 'hello',
    protocol: 1,
    source: '01234567-89ab-cdef-0123-456789abcdef',
    epoch: 1,
    host: 'h',
    software: 's',
  };
  assert.equal(decodeMessage(control(hello)).type, 'hello');
  const bad: unknown[] = [
    { ...hello, source: '../../etc/passwd' },
    { ...hello, source: hello.source.toUpperCase() },
    { ...hello, epoch: -1 },
    { ...hello, epoch: 1.5 },
    { ...hello, epoch: 2 ** 32 },
    { ...hello, host: '' },
    { ...hello, host: 'h'.repeat(256) },
    { ...hello, software: 5 },
    { ...hello, token: 5 },
    { ...hello, token: 't'.repeat(5000) },
    { ...hello, type: 'goodbye' },
    { ...hello, type: undefined },
    { type: 'welcome', protocol: 1, software: 's', messageBytesMax: 2 ** 40 },
    { type: 'floor', epoch: 1 },
    { type: 'floor', epoch: 1, sequence: Number.NaN },
    { type: 'floor', epoch: 1, sequence: 2 ** 53 },
    { type: 'ack', epoch: 1, ranges: [[2, 1]] },
    {
      type: 'ack',
      epoch: 1,
      ranges: [
        [1, 2],
        [2, 3],
      ],
    },
    { type: 'ack', epoch: 1, ranges: [[1]] },
    { type: 'ack', epoch: 1, ranges: ['12'] },
    { type: 'ack', epoch: 1, ranges: {} },
    { type: 'status', state: 'sleeping', reason: '' },
    { type: 'error', code: 'x' },
    [],
    7,
  ];
  for (const value of bad)
    assert.throws(() => decodeMessage(control(value)), { name: 'WireError' }, JSON.stringify(value));
});

test('a peer of another protocol is told which side to upgrade', () => {
  const newer = control({ type: 'hello', protocol: 2, anything: 'else' });
  assert.throws(() => decodeMessage(newer), {
    code: 'protocol',
    message: 'this server speaks protocol 1, the source speaks protocol 2: upgrade the k2hft of the server',
  });
  const older = control({ type: 'hello', protocol: 0 });
  assert.throws(() => decodeMessage(older), { code: 'protocol', message: /upgrade the k2hft of the source/ });
  const server = control({ type: 'welcome', protocol: 2 });
  assert.throws(() => decodeMessage(server), {
    code: 'protocol',
    message: /server speaks protocol 2.*of the source/,
  });
});

test('an ack of too many ranges is a programmer error when sent, and refused when received', () => {
  const many = Array.from({ length: RANGES_MAX + 1 }, (_, index): [number, number] => [2 * index, 2 * index]);
  assert.throws(() => encodeMessage({ type: 'ack', epoch: 1, ranges: many }), { name: 'AssertionError' });
  assert.throws(() => decodeMessage(control({ type: 'ack', epoch: 1, ranges: many })), { code: 'limit' });
});
