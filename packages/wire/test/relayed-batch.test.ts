import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BATCH_PREFIX_BYTES,
  BatchFlag,
  BatchRelay,
  decodeBatch,
  encodeAttributes,
  writeBatchHeader,
  type Batch,
} from '../src/index.js';

const SOURCE = '00000000-0000-4000-8000-00000000000a';
const OTHER = '00000000-0000-4000-8000-00000000000b';
const FIRST = '10000000-0000-4000-8000-000000000001';
const SECOND = '10000000-0000-4000-8000-000000000002';
const ALL_FLAGS = Object.values(BatchFlag).reduce((sum, flag) => sum | flag, 0);

function received(path: string, payload: string): Batch {
  const attributes = encodeAttributes({ path: Buffer.from(path), host: 'web1' });
  const start = BATCH_PREFIX_BYTES + attributes.length;
  const bytes = Buffer.alloc(start + payload.length);
  bytes.write(payload, start);
  const fields = {
    epoch: 3,
    sequence: 9,
    stream: 2 ** 40 + 1,
    flags: ALL_FLAGS,
    recordCount: 2,
    timeSeconds: 1_700_000_000,
    timeNanos: 5,
    pid: 10,
    uid: 20,
    gid: 30,
  };
  writeBatchHeader(bytes, start, bytes.length, fields, attributes);
  return decodeBatch(bytes, 0);
}

function relayed(relay: BatchRelay, batch: Batch, source: string, epoch: number, sequence: number): Batch {
  const target = Buffer.alloc(7 + relay.size({ batch, source }), 0xee);
  assert.equal(relay.write(target, 7, { batch, source }, epoch, sequence), target.length);
  return decodeBatch(target, 7);
}

test('a relayed batch is the same batch at another position, and says which way it came', () => {
  for (const payload of ['one\ntwo\n', '']) {
    const batch = received('logs/a.log', payload);
    const once = relayed(new BatchRelay(FIRST), batch, SOURCE, 1, 77);
    assert.deepEqual(
      { ...once, totalBytes: 0 },
      {
        ...batch,
        epoch: 1,
        sequence: 77,
        flags: BatchFlag.BINARY | BatchFlag.ENDS_OPEN | BatchFlag.STREAM_END | BatchFlag.OVERWRITE,
        route: { origin: SOURCE, via: [FIRST] },
        totalBytes: 0,
      },
    );
    const twice = relayed(new BatchRelay(SECOND), once, FIRST, 2, 1);
    assert.deepEqual(twice.route, { origin: SOURCE, via: [FIRST, SECOND] });
    assert.deepEqual(twice.payload.toString(), payload);
  }
});

test('two sources with the same host and path are told apart', () => {
  const relay = new BatchRelay(FIRST);
  const batch = received('logs/a.log', 'x\n');
  for (const source of [SOURCE, SOURCE, OTHER, SOURCE])
    assert.equal(relayed(relay, batch, source, 1, 1).route?.origin, source);
});
