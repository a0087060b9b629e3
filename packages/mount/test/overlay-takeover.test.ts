import { temporaryFolder } from '@k2hft/test-harness';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OverlayTree } from '../src/overlay-tree.js';
import { MemoryRows } from './nodes-harness.js';
import { Comparison, story } from './nodes-model.js';

const STORIES = Number(process.env['STORIES'] ?? 60);

void test('an overlay is as a plain directory, whenever the worker is killed', (t) => {
  const folder = temporaryFolder(t);
  fc.assert(
    fc.property(story, fc.constantFrom(16, 4096), (steps, descriptorsMax) => {
      const run = mkdtempSync(join(folder, 'run-'));
      const [root, plain] = [join(run, 'root'), join(run, 'plain')];
      mkdirSync(root);
      mkdirSync(plain);
      const rows = new MemoryRows();
      const comparison = new Comparison(rows, plain, (fresh) =>
        OverlayTree.open({ root, rows: rows.pending, stored: rows, fresh, show: {}, descriptorsMax }),
      );
      for (const { operation, kill } of steps) comparison.step(operation, kill);
      comparison.finish();
      assert.deepEqual(readdirSync(root).sort(), readdirSync(plain).sort(), 'nothing hidden is left behind');
      if (steps.every(({ kill }) => kill === 'no')) assert.deepEqual(rows.keys('no'), []);
      assert.deepEqual(rows.keys('hh'), []);
    }),
    { numRuns: STORIES, includeErrorInReport: true },
  );
});
