import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { AppliedSet } from '../src/applied.js';
import { State } from '../src/state.js';
import { SOURCE_A, SOURCE_B } from './source-client.js';

test('what was committed is there after it is opened again', async (context) => {
  const folder = temporaryFolder(context);
  const first = new State(folder, true);
  const applied = new AppliedSet();
  applied.raiseFloor({ epoch: 2, sequence: 2 ** 40 });
  applied.add({ epoch: 2, sequence: 2 ** 40 + 1 });
  await first.commit({
    files: [
      ['1:1', { name: 'dir/\xff', length: 2 ** 40, tail: undefined }],
      ['2:2', { name: 'b', length: 1, tail: { stream: 'a/1', midRecord: true } }],
    ],
    sources: [[SOURCE_A, applied]],
  });
  await first.close();
  const second = new State(folder, true);
  assert.deepEqual(second.applied(SOURCE_A).toStored(), applied.toStored());
  assert.deepEqual(second.applied(SOURCE_B).toStored(), new AppliedSet().toStored());
  assert.deepEqual(second.files(), [
    ['1:1', { name: 'dir/\xff', length: 2 ** 40, tail: undefined }],
    ['2:2', { name: 'b', length: 1, tail: { stream: 'a/1', midRecord: true } }],
  ]);
  await second.commit({ forget: ['1:1'] });
  assert.equal(second.file('1:1'), undefined);
  await second.close();
});

test('a file that is opened under a name replaces the one that was recorded there', async (context) => {
  const state = new State(temporaryFolder(context), true);
  await state.commit({ opened: [['1:1', { name: 'a', length: 5, tail: undefined }]] });
  await state.commit({ opened: [['2:2', { name: 'a', length: 0, tail: undefined }]] });
  assert.deepEqual(state.files(), [['2:2', { name: 'a', length: 0, tail: undefined }]]);
  // A file that has another name now is not forgotten with its old one.
  await state.commit({ opened: [['2:2', { name: 'b', length: 0, tail: undefined }]] });
  await state.commit({ opened: [['3:3', { name: 'a', length: 0, tail: undefined }]] });
  assert.equal(state.files().length, 2);
  await state.close();
});

test('state of another version is left alone', async (context) => {
  const folder = temporaryFolder(context);
  const state = new State(folder, true);
  await state.commit({});
  await state.close();
  const { open } = await import('lmdb');
  const database = open<unknown, string>({ path: `${folder}/state`, noSubdir: false });
  await database.put('version', 99);
  await database.close();
  assert.throws(() => new State(folder, true), { code: 'state_damaged' });
});
