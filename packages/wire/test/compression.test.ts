import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  availableCompressions,
  chooseCompression,
  compressMessage,
  decompressMessage,
  isCompressed,
  MESSAGE_BYTES_MAX,
  readMessageBytes,
} from '../src/index.js';

test('any message survives every compression', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      fc.constantFrom(...availableCompressions()),
      async (bytes, compression) => {
        const message = Buffer.from(bytes);
        const compressed = await compressMessage(compression, message);
        assert(isCompressed(compressed));
        assert.equal(readMessageBytes(compressed), message.length);
        assert.deepEqual(await decompressMessage(compressed), message);
      },
    ),
    { numRuns: 50 },
  );
});

test('the best that both sides know is chosen', () => {
  assert.equal(chooseCompression([]), undefined);
  assert.equal(chooseCompression(['lz4']), undefined);
  assert.equal(chooseCompression(['lz4', 'gzip']), 'gzip');
  assert.equal(chooseCompression(['gzip', 'zstd']), availableCompressions()[0]);
});

test('a message that becomes longer than it says is refused before it is there', async () => {
  const bomb = await compressMessage('gzip', Buffer.alloc(1024 * 1024));
  bomb.writeUInt32LE(1000, 4);
  await assert.rejects(decompressMessage(bomb), { name: 'WireError', code: 'malformed' });
  bomb.writeUInt32LE(2 * 1024 * 1024, 4);
  await assert.rejects(decompressMessage(bomb), /of 1048576 bytes, not 2097152/);
});

test('headers that make no sense are refused', async () => {
  const sound = await compressMessage('gzip', Buffer.from('text'));
  const changed = (change: (message: Buffer) => void) => {
    const message = Buffer.from(sound);
    change(message);
    return decompressMessage(message);
  };
  await assert.rejects(decompressMessage(Buffer.of(2)), { code: 'malformed' });
  await assert.rejects(
    changed((message) => message.writeUInt32LE(0, 4)),
    { code: 'limit' },
  );
  await assert.rejects(
    changed((message) => message.writeUInt32LE(MESSAGE_BYTES_MAX + 1, 4)),
    { code: 'limit' },
  );
  await assert.rejects(
    changed((message) => message.writeUInt8(99, 1)),
    { code: 'malformed' },
  );
  await assert.rejects(
    changed((message) => message.fill(0xff, 8)),
    { code: 'malformed' },
  );
});
