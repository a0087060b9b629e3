import assert from 'node:assert/strict';
import { renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import {
  decodeProgress,
  digestOf,
  encodeProgress,
  progressKey,
  StreamNumbers,
  type FileProgress,
} from '../src/send-progress.js';

test('a file keeps its key under another name, and a path that was chosen makes another', (t) => {
  const folder = temporaryFolder(t);
  const keyOf = (name: string, path?: string) =>
    progressKey(statSync(join(folder, name), { bigint: true }), path);
  writeFileSync(join(folder, 'a'), '');
  const first = keyOf('a');
  renameSync(join(folder, 'a'), join(folder, 'b'));
  assert.equal(keyOf('b'), first);
  assert.notEqual(keyOf('b', 'x'), first);
  assert.notEqual(keyOf('b', 'x'), keyOf('b', 'y'));
  const stat = statSync(join(folder, 'b'), { bigint: true });
  const bornLater = Object.assign(stat, { birthtimeNs: stat.birthtimeNs + 1n });
  assert.notEqual(progressKey(bornLater), first, 'another file may get the same inode');
  const bornNowhere = { ...statSync(folder, { bigint: true }), birthtimeNs: 0n };
  assert.match(progressKey(Object.assign(statSync(folder, { bigint: true }), bornNowhere)), /@/);
});

test('progress is read as it was written, and what is damaged counts as none', () => {
  const progress: FileProgress = {
    path: 'x\xff',
    offset: 2 ** 40,
    stream: 2 ** 33,
    begun: 'sent',
    digest: digestOf(Buffer.from('end')),
  };
  assert.deepEqual(decodeProgress(encodeProgress(progress)), progress);
  assert.equal(decodeProgress(undefined), undefined);
  assert.equal(decodeProgress(Buffer.from('{"path":"x"}')), undefined);
});

test('no number of a stream is given twice, also when the ledger is lost', () => {
  const numbers = new StreamNumbers(new Map(), 3);
  const { stream, row } = numbers.next();
  assert.equal(stream, 3 * 2 ** 32 + 1);
  assert.equal(numbers.next().stream, stream + 1);
  assert.equal(new StreamNumbers(new Map([[...row] as [string, Buffer]]), 3).next().stream, stream + 1);
  assert.ok(new StreamNumbers(new Map(), 4).next().stream > stream + 1000);
});
