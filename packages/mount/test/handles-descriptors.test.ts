import { temporaryFolder } from '@k2hft/test-harness';
import assert from 'node:assert/strict';
import { fstatSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DescriptorCache } from '../src/handles-descriptors.js';
import { errorOf } from './nodes-harness.js';

void test('the least recently used descriptors are closed, and opened again when needed', (t) => {
  const path = join(temporaryFolder(t), 'file');
  writeFileSync(path, '');
  const cache = new DescriptorCache(8);
  let opened = 0;
  const get = (key: number) =>
    cache.get(key, () => {
      opened++;
      return openSync(path, 'r');
    });
  for (let key = 1; key <= 8; key++) get(key);
  get(1);
  const last = get(9);
  assert.equal(opened, 9);
  assert.equal(cache.peek(2), undefined);
  assert.equal(cache.peek(3), undefined);
  assert.equal(get(1), cache.peek(1));
  assert.equal(opened, 9);
  get(2);
  assert.equal(opened, 10);
  cache.closeAll();
  assert.equal(
    errorOf(() => fstatSync(last)),
    'EBADF',
  );
});

void test('when the process has no descriptor left, some of its own are given up', () => {
  const cache = new DescriptorCache(100);
  for (let key = 0; key < 8; key++) cache.put(key, openSync('/dev/null', 'r'));
  let attempts = 0;
  cache.get(100, () => {
    if (attempts++ === 0) throw Object.assign(new Error('too many'), { code: 'EMFILE' });
    return openSync('/dev/null', 'r');
  });
  assert.equal(cache.peek(0), undefined);
  assert.equal(cache.peek(1), undefined);
  assert.notEqual(cache.peek(2), undefined);
  cache.closeAll();
});
