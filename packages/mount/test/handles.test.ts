import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandleTable } from '../src/handles.js';
import { again, errorOf, MemoryRows, requestFor } from './nodes-harness.js';

void test('handles outlive the worker, and a lost reply gets the same handle', () => {
  const rows = new MemoryRows();
  const first = new HandleTable(rows.pending, rows, true);
  const request = requestFor(5);
  const file = first.add(request, 5, 0o102, false);
  const directory = first.add(requestFor(6), 6, 0, true);
  rows.commit();

  const second = new HandleTable(rows.pending, rows, false);
  assert.deepEqual(second.get(file.id), file);
  assert.deepEqual(second.get(directory.id), directory);
  assert.deepEqual([...second.files()], [{ handle: file.id, nodeId: 5, flags: file.flags }]);
  assert.deepEqual(second.madeBefore(again(request)), file);
  assert.equal(second.madeBefore(request), undefined);
  assert.equal(second.madeBefore(again(requestFor(5))), undefined);
  assert.notEqual(second.add(requestFor(5), 5, 0, false).id, directory.id);
  assert.deepEqual(second.remove(file.id), file);
  assert.equal(second.remove(file.id), undefined);
  assert.equal(
    errorOf(() => second.get(file.id)),
    'EBADF',
  );
});

void test('a new mount knows no handles, and gives none out again', () => {
  const rows = new MemoryRows();
  const before = new HandleTable(rows.pending, rows, true).add(requestFor(5), 5, 0, false);
  rows.commit();
  const table = new HandleTable(rows.pending, rows, true);
  rows.commit();
  assert.deepEqual([...table.all()], []);
  assert.deepEqual(rows.keys('hh'), []);
  assert.ok(table.add(requestFor(5), 5, 0, false).id > before.id);
});
