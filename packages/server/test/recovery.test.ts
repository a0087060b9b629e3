import { strict as assert } from 'node:assert';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder, undoAtEnd } from '@k2hft/test-harness';
import { OutputTree } from '../src/output-tree.js';
import { recover } from '../src/recovery.js';
import { State } from '../src/state.js';

interface Bench {
  folder: string;
  tree: OutputTree;
  state: State;
  logged: string[];
  recover: () => Promise<void>;
  /** Records a file at its present length. */
  record: (name: string) => Promise<string>;
}

function setUp(context: TestContext): Bench {
  const folder = temporaryFolder(context);
  const tree = new OutputTree(join(folder, 'output'));
  const state = new State(folder, true);
  const logged: string[] = [];
  undoAtEnd(context, async () => {
    tree.close();
    await state.close();
  });
  return {
    folder: join(folder, 'output'),
    tree,
    state,
    logged,
    recover: () => recover(tree, state, (_level, message) => logged.push(message)),
    async record(name) {
      const { fd, identity, length, changedDirectories } = tree.openFile(name);
      [fd, ...changedDirectories].forEach((each) => {
        closeSync(each);
      });
      await state.commit({ opened: [[identity, { name, length, tail: undefined }]] });
      return identity;
    },
  };
}

test('what was not acknowledged is cut off', async (context) => {
  const bench = setUp(context);
  mkdirSync(join(bench.folder, 'dir'));
  writeFileSync(join(bench.folder, 'dir/a'), 'safe\n');
  const identity = await bench.record('dir/a');
  appendFileSync(join(bench.folder, 'dir/a'), 'not safe');
  await bench.recover();
  assert.equal(readFileSync(join(bench.folder, 'dir/a'), 'utf8'), 'safe\n');
  assert.equal(bench.state.file(identity)?.length, 5);
  assert.deepEqual(bench.logged, ['cut dir/a back by 8 bytes that were not acknowledged']);
  await bench.recover();
  assert.equal(bench.logged.length, 1);
});

test('a file that was renamed is cut as well, and the new one in its place is not', async (context) => {
  const bench = setUp(context);
  writeFileSync(join(bench.folder, 'a'), 'safe\n');
  const identity = await bench.record('a');
  appendFileSync(join(bench.folder, 'a'), 'not safe');
  renameSync(join(bench.folder, 'a'), join(bench.folder, 'a.1'));
  writeFileSync(join(bench.folder, 'a'), 'something long that is not ours');
  await bench.recover();
  assert.equal(readFileSync(join(bench.folder, 'a.1'), 'utf8'), 'safe\n');
  assert.equal(readFileSync(join(bench.folder, 'a'), 'utf8'), 'something long that is not ours');
  assert.equal(bench.state.file(identity), undefined);
});

test('a file that is shorter, or gone, is left to whoever did it', async (context) => {
  const bench = setUp(context);
  writeFileSync(join(bench.folder, 'short'), '12345');
  writeFileSync(join(bench.folder, 'gone'), '12345');
  const short = await bench.record('short');
  const gone = await bench.record('gone');
  writeFileSync(join(bench.folder, 'short'), '1');
  unlinkSync(join(bench.folder, 'gone'));
  await bench.recover();
  assert.equal(readFileSync(join(bench.folder, 'short'), 'utf8'), '1');
  assert.ok(bench.logged.includes('short is 4 bytes shorter than it was: somebody has cut it'));
  assert.equal(bench.state.file(short)?.length, 5);
  assert.equal(bench.state.file(gone), undefined);
});
