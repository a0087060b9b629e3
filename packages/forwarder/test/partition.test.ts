import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAttributes, writeBatchHeader, BATCH_PREFIX_BYTES } from '@k2hft/wire';
import fc from 'fast-check';
import { heaviest, pathKey, streamKey } from '../src/partition.js';

const SERVERS = ['ws://a:8020', 'ws://b:8020', 'ws://c:8020', 'ws://d:8020'];
const KEYS = Array.from({ length: 10_000 }, (_, index) => `log/${index}.log`);

function batch(path: string, stream: number, sequence = 1): Buffer {
  const attributes = encodeAttributes({ path: Buffer.from(path), host: 'test' });
  const payloadStart = BATCH_PREFIX_BYTES + attributes.length;
  const bytes = Buffer.alloc(payloadStart + 2, 'x\n');
  const fields = { epoch: 1, sequence, stream, flags: 0, recordCount: 1, timeSeconds: 1, timeNanos: 0 };
  writeBatchHeader(bytes, payloadStart, bytes.length, { ...fields, pid: 1, uid: 0, gid: 0 }, attributes);
  return bytes;
}

test('each server gets about the same share', () => {
  const counts = new Map(SERVERS.map((name) => [name, 0]));
  for (const key of KEYS) {
    const owner = heaviest(SERVERS, key);
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  for (const count of counts.values()) assert(Math.abs(count - 2500) < 250, `${count} of 10000 keys`);
});

test('only the share of the server that goes away moves, and that share moves back', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(SERVERS, { minLength: 2 }), fc.string(), (servers, key) => {
      const owner = heaviest(servers, key);
      for (const gone of servers) {
        const rest = servers.filter((name) => name !== gone);
        const next = heaviest(rest, key);
        if (gone !== owner) assert.equal(next, owner);
        assert.equal(heaviest([...rest, gone], key), owner);
      }
    }),
  );
});

test('a path decides, or the open file', () => {
  assert.equal(pathKey(batch('a.log', 1)), 'a.log');
  assert.equal(pathKey(batch('a.log', 1)), pathKey(batch('a.log', 2, 9)));
  const key = streamKey('source');
  assert.equal(key(batch('a.log', 1)), key(batch('a.log', 1, 9)));
  assert.notEqual(key(batch('a.log', 1)), key(batch('a.log', 2)));
});

test('a damaged batch has a key as well', () => {
  const bytes = batch('a.log', 1);
  bytes.fill(0xff, BATCH_PREFIX_BYTES, BATCH_PREFIX_BYTES + 4);
  assert.equal(typeof pathKey(bytes), 'string');
});
