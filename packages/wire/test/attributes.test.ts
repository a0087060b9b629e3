import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack } from 'msgpackr';
import { decodeAttributes } from '../src/attributes.js';
import { ATTRIBUTES_BYTES_MAX, encodeAttributes } from '../src/index.js';
import { ROUTE_BYTES_MAX } from '../src/limits.js';

test('more paths than are cached are still told apart', () => {
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 1500; index += 1) {
      const path = Buffer.from(`logs/${index}`);
      const bytes = encodeAttributes({ path, host: `h${index % 7}` });
      assert.deepEqual(decodeAttributes(bytes, 0, bytes.length), {
        path,
        host: `h${index % 7}`,
        route: undefined,
      });
    }
  }
});

test('what was decoded does not change with the message that it came in', () => {
  const bytes = encodeAttributes({ path: Buffer.from('first'), host: 'h' });
  const attributes = decodeAttributes(bytes, 0, bytes.length);
  bytes.fill(0);
  assert.equal(attributes.path.toString(), 'first');
});

test('attributes that are too long for the cache are decoded', () => {
  const path = Buffer.alloc(10_000, 0x61);
  const bytes = encodeAttributes({ path, host: 'h' });
  assert.deepEqual(decodeAttributes(bytes, 0, bytes.length).path, path);
});

test('attributes without path or host are refused', () => {
  for (const value of [
    {},
    { path: Buffer.from('p') },
    { path: 'text', host: 'h' },
    { path: Buffer.alloc(0), host: 'h' },
    [],
    null,
    'h'.repeat(20),
  ]) {
    const bytes = Buffer.from(pack(value));
    assert.throws(() => decodeAttributes(bytes, 0, bytes.length), { name: 'WireError' });
  }
});

test('keys that are not known are ignored', () => {
  const bytes = Buffer.from(pack({ path: Buffer.from('p'), host: 'h', later: 1 }));
  assert.deepEqual(decodeAttributes(bytes, 0, bytes.length), {
    path: Buffer.from('p'),
    host: 'h',
    route: undefined,
  });
});

test('a path that is too long is a programmer error', () => {
  assert.throws(() => encodeAttributes({ path: Buffer.alloc(65_100), host: 'h' }), {
    name: 'AssertionError',
  });
});

const UUIDS = Array.from(
  { length: 17 },
  (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
);
const [ORIGIN = ''] = UUIDS;

test('the way through relays comes back as it was written', () => {
  for (const via of [UUIDS.slice(1, 2), UUIDS.slice(1)]) {
    const attributes = { path: Buffer.from('p'), host: 'h', route: { origin: ORIGIN, via } };
    const bytes = encodeAttributes(attributes);
    assert.deepEqual(decodeAttributes(bytes, 0, bytes.length), attributes);
  }
});

test('a longest path fits with a longest way', () => {
  const path = Buffer.alloc(ATTRIBUTES_BYTES_MAX - ROUTE_BYTES_MAX - 30, 0x61);
  const bytes = encodeAttributes({ path, host: 'h', route: { origin: ORIGIN, via: UUIDS.slice(1) } });
  assert.deepEqual(decodeAttributes(bytes, 0, bytes.length).route?.via, UUIDS.slice(1));
});

test('a way that makes no sense is refused', () => {
  const uuid = Buffer.alloc(16, 1);
  const names = { path: Buffer.from('p'), host: 'h' };
  const refused: [code: string, route: Record<string, unknown>][] = [
    ['malformed', { origin: uuid }],
    ['malformed', { via: [uuid] }],
    ['malformed', { origin: uuid, via: [] }],
    ['malformed', { origin: uuid, via: 'text' }],
    ['malformed', { origin: uuid, via: [Buffer.alloc(15)] }],
    ['malformed', { origin: 'text', via: [uuid] }],
    ['limit', { origin: uuid, via: Array.from({ length: 17 }, () => uuid) }],
    ['limit', { path: Buffer.alloc(65_200, 0x61) }],
  ];
  for (const [code, route] of refused) {
    const bytes = Buffer.from(pack({ ...names, ...route }));
    assert.throws(() => decodeAttributes(bytes, 0, bytes.length), { name: 'WireError', code });
  }
});
