import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder, undoAtEnd } from '@k2hft/test-harness';
import { OutputTree, RefusedName } from '../src/output-tree.js';

function setUp(context: TestContext): { tree: OutputTree; inside: string; outside: string } {
  const folder = temporaryFolder(context);
  const inside = join(folder, 'inside');
  const outside = join(folder, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  const tree = new OutputTree(inside);
  undoAtEnd(context, () => {
    tree.close();
  });
  return { tree, inside, outside };
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function append(tree: OutputTree, name: string, text: string): void {
  const { fd, changedDirectories } = tree.openFile(name);
  writeSync(fd, text);
  [fd, ...changedDirectories].forEach((each) => {
    closeSync(each);
  });
}

test('files and their directories are made, and opened again', (context) => {
  const { tree, inside } = setUp(context);
  const before = openDescriptors();
  append(tree, 'a/b/c.log', 'one');
  append(tree, 'a/b/c.log', 'two');
  append(tree, 'a/\xff.log', 'bytes');
  assert.equal(readFileSync(join(inside, 'a/b/c.log'), 'utf8'), 'onetwo');
  assert.equal(readFileSync(Buffer.from(`${inside}/a/\xff.log`, 'latin1'), 'utf8'), 'bytes');
  assert.equal(openDescriptors(), before);
});

test('every directory that got an entry is to be synced', (context) => {
  const { tree } = setUp(context);
  const made = tree.openFile('a/b/c.log');
  assert.equal(made.changedDirectories.length, 3);
  const there = tree.openFile('a/b/c.log');
  assert.deepEqual(there.changedDirectories, []);
  assert.equal(there.identity, made.identity);
  [made.fd, there.fd, ...made.changedDirectories].forEach((each) => {
    closeSync(each);
  });
});

test('no symbolic link is followed, wherever it stands', (context) => {
  const { tree, inside, outside } = setUp(context);
  mkdirSync(join(inside, 'dir'));
  symlinkSync(outside, join(inside, 'link'));
  symlinkSync(outside, join(inside, 'dir/link'));
  symlinkSync(join(outside, 'secret'), join(inside, 'dir/file'));
  symlinkSync(join(outside, 'new'), join(inside, 'dangling'));
  symlinkSync('dir', join(inside, 'within'));
  const before = openDescriptors();
  for (const name of [
    'link/secret',
    'link/new',
    'dir/link/new',
    'dir/file',
    'dangling',
    'within/a',
    'link',
  ]) {
    assert.throws(() => tree.openFile(name), RefusedName, name);
  }
  assert.deepEqual(readdirSync(outside), ['secret']);
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  assert.equal(openDescriptors(), before);
});

test('names that were not checked are a fault', (context) => {
  const { tree, outside } = setUp(context);
  for (const name of ['../outside/new', `${outside}/new`, 'a/../../outside/new', '', 'a\0']) {
    assert.throws(() => tree.openFile(name), { name: 'AssertionError' }, name);
  }
  assert.equal(existsSync(join(outside, 'new')), false);
});

test('only regular files are written, and only directories are walked', (context) => {
  const { tree, inside } = setUp(context);
  mkdirSync(join(inside, 'dir'));
  writeFileSync(join(inside, 'file'), '');
  execFileSync('mkfifo', [join(inside, 'fifo')]);
  for (const name of ['dir', 'file/below', 'fifo'])
    assert.throws(() => tree.openFile(name), RefusedName, name);
});

test('a file is found by its identity under its name, and in its directory after a rename', (context) => {
  const { tree, inside } = setUp(context);
  append(tree, 'dir/a.log', 'x');
  const { fd, identity } = tree.openFile('dir/a.log');
  closeSync(fd);
  const under = tree.findFile('dir/a.log', identity, true);
  assert.ok(under !== undefined);
  assert.equal(under.name, 'dir/a.log');
  renameSync(join(inside, 'dir/a.log'), join(inside, 'dir/a.log.1'));
  writeFileSync(join(inside, 'dir/a.log'), 'another');
  const renamed = tree.findFile('dir/a.log', identity, true);
  assert.ok(renamed !== undefined);
  assert.equal(renamed.name, 'dir/a.log.1');
  assert.equal(tree.findFile('dir/a.log', identity, false), undefined);
  assert.equal(tree.findFile('nowhere/a.log', identity, true), undefined);
  assert.equal(existsSync(join(inside, 'nowhere')), false);
  closeSync(under.fd);
  closeSync(renamed.fd);
});

test('the directory may be replaced while it is open', (context) => {
  const { tree, inside } = setUp(context);
  renameSync(inside, `${inside}.old`);
  tree.reopen();
  append(tree, 'a', 'x');
  assert.equal(existsSync(join(inside, 'a')), true);
});

test('without descriptors nothing is left half made: no file without its directory noted, and none open', (context) => {
  const folder = temporaryFolder(context);
  // A process of its own, with few descriptors; the limit of this one is as high as the system allows.
  const script = `
    const { OutputTree } = await import(${JSON.stringify(new URL('../src/output-tree.js', import.meta.url).href)});
    const { closeSync, existsSync, openSync, readdirSync } = await import('node:fs');
    for (let free = 0; ; free++) {
      const output = ${JSON.stringify(folder)} + '/' + free;
      const tree = new OutputTree(output);
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch { /* None is left. */ }
      for (const fd of taken.splice(0, free)) closeSync(fd);
      let opened;
      try { opened = tree.openFile('a/b'); } catch (error) { if (error.code !== 'EMFILE') throw error; }
      const left = [];
      try { for (;;) left.push(openSync('/dev/null')); } catch { /* None is left. */ }
      for (const fd of [...taken, ...left]) closeSync(fd);
      console.log([free, left.length, existsSync(output + '/a/b')].join(' '));
      if (opened !== undefined) break;
      tree.close();
    }`;
  const run = execFileSync(
    'sh',
    ['-c', 'ulimit -n 60; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    { encoding: 'utf8' },
  );
  const rows = run
    .trimEnd()
    .split('\n')
    .map((row) => row.split(' '));
  const last = rows.pop();
  assert.ok(rows.length >= 3, run);
  for (const [free, left, isThere] of rows) assert.deepEqual([left, isThere], [free, 'false'], run);
  // The file, and its directory and that one's, which are to be synced.
  assert.deepEqual(last, [last?.[0], String(Number(last?.[0]) - 3), 'true'], run);
});
