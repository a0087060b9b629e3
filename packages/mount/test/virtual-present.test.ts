import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { VirtualTree } from '../src/virtual-tree.js';
import { listAll, MemoryRows, requestFor } from './nodes-harness.js';

const ROOT = 1;
const rootOwner = { mode: 0o770, uid: 5, gid: 6 };

function treeOver(context: TestContext, rows: MemoryRows, fresh: boolean, present: readonly string[]) {
  const room = () => ({ totalBytes: 1, freeBytes: 1 });
  const tailsDir = temporaryFolder(context);
  const made = { tailsDir, rows: rows.pending, stored: rows, fresh, show: {}, room, rootOwner, present };
  const tree = VirtualTree.open(made);
  rows.commit();
  return tree;
}

function namesIn(tree: VirtualTree, node: number): string[] {
  return listAll(tree, node, false)
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('.'));
}

void test('a new mount has its files and directories from the start, as the mount point is', (context) => {
  const tree = treeOver(context, new MemoryRows(), true, [
    'log/a.log',
    'log/',
    'deep/er/',
    'b.log',
    'b.log/x',
  ]);
  assert.deepEqual(namesIn(tree, ROOT), ['b.log', 'deep', 'log']);
  const log = tree.lookup(requestFor(ROOT), 'log');
  assert.deepEqual(namesIn(tree, log.nodeId), ['a.log']);
  assert.equal(log.attributes.mode & 0o7777, 0o770);
  const file = tree.lookup(requestFor(log.nodeId), 'a.log').attributes;
  assert.deepEqual([file.mode & 0o7777, file.uid, file.gid], [0o660, 5, 6]);
});

void test('what a program has taken away stays away until the next mount', (context) => {
  const rows = new MemoryRows();
  const tree = treeOver(context, rows, true, ['a.log']);
  tree.unlink(requestFor(ROOT), 'a.log');
  rows.commit();
  assert.deepEqual(namesIn(treeOver(context, rows, false, ['a.log']), ROOT), []);
  assert.deepEqual(namesIn(treeOver(context, rows, true, ['a.log']), ROOT), ['a.log']);
});
