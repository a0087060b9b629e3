import assert from 'node:assert/strict';
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryFolder } from '@k2hft/test-harness';
import { decodeTold, encodeTold, TOLD_NOTHING, toldFile, ToldReader, ToldWriter } from '../src/told-file.js';
import { BOOT, NEXT_BOOT } from './helpers/queues.js';

const number = fc.nat(Number.MAX_SAFE_INTEGER);
const plain = { noNullPrototype: true };
const position = fc.record({ epoch: fc.nat(2 ** 32 - 1), sequence: number }, plain);
const told = fc.record(
  {
    floor: position,
    checkpointed: position,
    storeBytes: number,
    answeredCheckpoint: number,
    answeredDrop: number,
  },
  plain,
);

test('what is told is understood, and a flipped bit is not', () => {
  fc.assert(
    fc.property(told, number, fc.nat(127), fc.nat(7), (value, generation, at, bit) => {
      const slot = encodeTold(value, BOOT, generation);
      assert.deepEqual(decodeTold(slot, BOOT), { told: value, generation });
      assert.equal(decodeTold(slot, NEXT_BOOT), undefined);
      slot[at] = (slot[at] ?? 0) ^ (1 << bit);
      assert.equal(decodeTold(slot, BOOT), undefined);
    }),
  );
});

test('the reader gets the latest, also when the slot after it is half written', (t) => {
  const dir = temporaryFolder(t);
  mkdirSync(join(dir, 'state'));
  const reader = new ToldReader(dir, BOOT);
  assert.equal(reader.refresh(), false);
  const writer = new ToldWriter(dir, BOOT);
  assert.equal(reader.refresh(), false);
  for (let storeBytes = 1; storeBytes <= 5; storeBytes++) {
    writer.tell({ ...TOLD_NOTHING, storeBytes });
    assert.equal(reader.refresh(), true);
    assert.equal(reader.told.storeBytes, storeBytes);
    assert.equal(reader.refresh(), false);
  }
  const torn = encodeTold({ ...TOLD_NOTHING, storeBytes: 6 }, BOOT, 6).subarray(0, 50);
  writeSync(openSync(toldFile(dir), 'r+'), torn, 0, torn.length, 0);
  assert.equal(reader.refresh(), false);
  assert.equal(reader.told.storeBytes, 5);
  const next = new ToldWriter(dir, BOOT);
  assert.equal(next.told.storeBytes, 5);
  next.tell({ ...TOLD_NOTHING, storeBytes: 7 });
  reader.refresh();
  assert.equal(reader.told.storeBytes, 7);
  assert.deepEqual(new ToldWriter(dir, NEXT_BOOT).told, TOLD_NOTHING);
});
