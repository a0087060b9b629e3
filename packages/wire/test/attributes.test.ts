import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack } from 'msgpackr';
import { decodeAttributes } from '../src/attributes.js';
import { encodeAttributes } from '../src/index.js';

test('more paths than are cached are still told apart', () => {
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 1500; index += 1) {
      const path = Buffer.from(`logs/${index}`);
      const bytes = encodeAttributes({ path, host: `h${index % 7}` });
      assert.deepEqual(decodeAttributes(bytes, 0, bytes.length), { path, host: `h${index % 7}` });
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
  assert.deepEqual(decodeAttributes(bytes, 0, bytes.length), { path: Buffer.from('p'), host: 'h' });
});

test('a path that is too long is a programmer error', () => {
  assert.throws(() => encodeAttributes({ path: Buffer.alloc(65_536), host: 'h' }), {
    name: 'AssertionError',
  });
});
