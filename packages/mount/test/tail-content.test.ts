import { temporaryFolder } from '@k2hft/test-harness';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTail, resizeTail, writeTail, type TailContent } from '../src/tail-content.js';
import { TAIL_BYTES, TailRings } from '../src/tail-rings.js';

const FILE_MAX = 400_000;

void test('what is read is what was written, or zero before the kept tail', (t) => {
  const rings = new TailRings(join(temporaryFolder(t), 'tails'));
  t.after(() => {
    rings.close();
  });
  const place = fc.oneof(
    fc.nat(2000),
    fc.nat(FILE_MAX / 2),
    fc.constantFrom(TAIL_BYTES - 1, TAIL_BYTES, TAIL_BYTES + 1),
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), length: place }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('write' as const), at: place, length: place }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), to: place }) },
  );
  let id = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const content: TailContent = { id: ++id, sizeBytes: 0, keptFrom: 0 };
      let model = Buffer.alloc(0);
      steps.forEach((each, index) => {
        if (each.do === 'resize') {
          resizeTail(rings, content, each.to);
          model = Buffer.concat([model, Buffer.alloc(Math.max(0, each.to - model.length))]).subarray(
            0,
            each.to,
          );
        } else {
          const at = each.do === 'append' ? model.length : each.at;
          const bytes = Buffer.alloc(each.length, `${index}.`);
          const padded = Buffer.concat([Buffer.from('head room'), bytes]);
          writeTail(rings, content, at, padded, 9, padded.length);
          const grown = Buffer.alloc(
            each.length === 0 ? model.length : Math.max(model.length, at + bytes.length),
          );
          model.copy(grown);
          bytes.copy(grown, at);
          model = grown;
        }
        assert.equal(content.sizeBytes, model.length);
        const read = Buffer.alloc(model.length + 5, 0xee);
        assert.equal(readTail(rings, content, 0, read), model.length);
        assert.ok(read.subarray(content.keptFrom, model.length).equals(model.subarray(content.keptFrom)));
        assert.ok(read.subarray(0, content.keptFrom).every((byte) => byte === 0));
      });
      assert.ok(content.keptFrom <= content.sizeBytes);
      rings.remove(id);
    }),
    { numRuns: 150 },
  );
});

void test('appending keeps the last 64 KiB whole, in a file that grows no further', (t) => {
  const folder = join(temporaryFolder(t), 'tails');
  const rings = new TailRings(folder);
  const content: TailContent = { id: 7, sizeBytes: 0, keptFrom: 0 };
  let all = Buffer.alloc(0);
  for (let line = 0; line < 30_000; line++) {
    const bytes = Buffer.from(`line number ${line}\n`);
    writeTail(rings, content, content.sizeBytes, bytes, 0, bytes.length);
    if (line > 25_000) all = Buffer.concat([all, bytes]);
  }
  assert.equal(content.keptFrom, content.sizeBytes - TAIL_BYTES);
  assert.equal(statSync(join(folder, '7')).size, TAIL_BYTES);
  const tail = Buffer.alloc(TAIL_BYTES);
  assert.equal(readTail(rings, content, content.keptFrom, tail), TAIL_BYTES);
  assert.ok(tail.equals(all.subarray(-TAIL_BYTES)));
  const part = Buffer.alloc(100);
  assert.equal(readTail(rings, content, content.sizeBytes - 10, part), 10);
  assert.equal(readTail(rings, content, content.sizeBytes + 10, part), 0);
  rings.close();
});

void test('a ring that cannot be written costs the tail, not the write', (t) => {
  const folder = join(temporaryFolder(t), 'tails');
  const rings = new TailRings(folder);
  rmSync(folder, { recursive: true });
  const content: TailContent = { id: 1, sizeBytes: 0, keptFrom: 0 };
  writeTail(rings, content, 0, Buffer.from('lost'), 0, 4);
  mkdirSync(folder);
  writeTail(rings, content, 4, Buffer.from('kept'), 0, 4);
  const read = Buffer.alloc(8);
  assert.equal(readTail(rings, content, 0, read), 8);
  assert.equal(read.toString('latin1'), '\0\0\0\0kept');
  rings.close();
});

void test('a new mount sweeps the rings of files that are gone', (t) => {
  const folder = join(temporaryFolder(t), 'tails');
  const rings = new TailRings(folder);
  for (const name of ['2', '3', 'stray']) writeFileSync(join(folder, name), 'x');
  rings.sweep((id) => id === 3);
  assert.deepEqual(readdirSync(folder), ['3']);
});
