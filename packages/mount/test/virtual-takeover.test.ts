import { temporaryFolder } from '@k2hft/test-harness';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VirtualTree } from '../src/virtual-tree.js';
import { MemoryRows } from './nodes-harness.js';
import { Comparison, story } from './nodes-model.js';

const STORIES = Number(process.env['STORIES'] ?? 60);

void test('a virtual tree is as a plain directory, whenever the worker is killed', (t) => {
  const folder = temporaryFolder(t);
  fc.assert(
    fc.property(story, (steps) => {
      const run = mkdtempSync(join(folder, 'run-'));
      const plain = join(run, 'plain');
      mkdirSync(plain);
      const rows = new MemoryRows();
      const comparison = new Comparison(rows, plain, (fresh) =>
        VirtualTree.open({
          tailsDir: join(run, 'tails'),
          rows: rows.pending,
          stored: rows,
          fresh,
          show: {},
          room: () => ({ totalBytes: 1 << 20, freeBytes: 1 << 19 }),
        }),
      );
      for (const { operation, kill } of steps) comparison.step(operation, kill);
      comparison.finish();
      assert.deepEqual(rows.keys('hh'), []);
    }),
    { numRuns: STORIES, includeErrorInReport: true },
  );
});
