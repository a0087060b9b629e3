import { temporaryFolder } from '@k2hft/test-harness';
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DIRECTORY, FIFO, PERMISSIONS, REGULAR } from '../src/attributes.js';
import { VirtualTree } from '../src/virtual-tree.js';
import { again, errorOf, listAll, MemoryRows, readText, requestFor, writeText } from './nodes-harness.js';

const { O_RDWR, O_WRONLY } = fs.constants;
const ROOT = 1;
const CHARACTER_DEVICE = 0o020000;

class Fixture {
  readonly rows = new MemoryRows();
  readonly tailsDir: string;
  tree: VirtualTree;

  constructor(t: TestContext) {
    this.tailsDir = join(temporaryFolder(t), 'tails');
    this.tree = this.open(true);
    t.after(() => {
      this.tree.close();
    });
  }

  restart(fresh: boolean): void {
    this.rows.commit();
    this.tree.close();
    this.tree = this.open(fresh);
    this.rows.commit();
  }

  create(name: string, text = '', parent = ROOT): { nodeId: number; handle: number } {
    const { entry, opened } = this.tree.create(requestFor(parent), name, O_RDWR, REGULAR | 0o644);
    assert.equal(opened.directIo, true);
    writeText(this.tree, entry.nodeId, opened.handle, 0, text);
    this.rows.commit();
    return { nodeId: entry.nodeId, handle: opened.handle };
  }

  private open(fresh: boolean): VirtualTree {
    const room = () => ({ totalBytes: 4096 * 100, freeBytes: 4096 * 40 + 5 });
    const rootOwner = { mode: 0o1777, uid: 5, gid: 6 };
    const { rows, tailsDir } = this;
    return VirtualTree.open({ tailsDir, rows: rows.pending, stored: rows, fresh, show: {}, room, rootOwner });
  }
}

void test('files, names and tails stay through takeovers and mounts', (t) => {
  const fixture = new Fixture(t);
  const directory = fixture.tree.mkdir(requestFor(ROOT), 'd\xff', 0o755).nodeId;
  const file = fixture.create('log', 'some text', directory);
  const target = Buffer.from('\xfftarget', 'latin1');
  const link = fixture.tree.symlink(requestFor(ROOT), 'link', target).nodeId;
  target.fill(0);
  const mtime = { seconds: -1, nanos: 123_456_789 };
  fixture.tree.setattr(requestFor(file.nodeId), { mtime, mode: 0o600, uid: 9 });
  const before = fixture.tree.getattr(requestFor(file.nodeId)).attributes;
  for (const fresh of [false, true]) {
    fixture.restart(fresh);
    assert.deepEqual(fixture.tree.getattr(requestFor(file.nodeId)).attributes, before);
    assert.deepEqual(before.mtime, mtime);
    assert.equal(fixture.tree.pathOf(file.nodeId), 'd\xff/log');
    assert.equal(fixture.tree.readlink(requestFor(link)).toString('latin1'), '\xfftarget');
    const { handle } = fresh ? fixture.tree.open(requestFor(file.nodeId), O_RDWR) : file;
    assert.equal(readText(fixture.tree, file.nodeId, handle), 'some text');
  }
  assert.equal(
    errorOf(() => readText(fixture.tree, file.nodeId, file.handle)),
    'EBADF',
  );
  assert.deepEqual(fixture.tree.getattr(requestFor(ROOT)).attributes.mode, DIRECTORY | 0o1777);
});

void test('a write stores one small row', (t) => {
  const fixture = new Fixture(t);
  const { nodeId, handle } = fixture.create('log');
  writeText(fixture.tree, nodeId, handle, 0, 'line\n');
  const changes = [...fixture.rows.pending.changes];
  assert.equal(changes.length, 1);
  assert.ok((changes[0]?.[1]?.length ?? Infinity) <= 64);
});

void test('an unlinked file stays until its last close, and its ring goes with it', (t) => {
  const fixture = new Fixture(t);
  const { nodeId, handle } = fixture.create('log', 'text');
  assert.deepEqual(fs.readdirSync(fixture.tailsDir), [String(nodeId)]);
  fixture.tree.unlink(requestFor(ROOT), 'log');
  fixture.restart(false);
  assert.equal(readText(fixture.tree, nodeId, handle), 'text');
  assert.equal(fixture.tree.getattr(requestFor(nodeId)).attributes.nlink, 0);
  assert.equal(fixture.tree.pathOf(nodeId), 'log');
  fixture.tree.release(requestFor(nodeId), handle);
  assert.deepEqual(fs.readdirSync(fixture.tailsDir), []);
  fixture.tree.forget(nodeId, 1);
  fixture.rows.commit();
  assert.deepEqual(fixture.rows.keys('n'), ['nc', 'ns1', 'nv1']);
});

void test('a mount that ended with open, removed files leaves nothing of them', (t) => {
  const fixture = new Fixture(t);
  fixture.create('log', 'text');
  fixture.tree.unlink(requestFor(ROOT), 'log');
  fixture.restart(true);
  assert.deepEqual(fs.readdirSync(fixture.tailsDir), []);
  assert.deepEqual(fixture.rows.keys('n'), ['nc', 'ns1', 'nv1']);
});

void test('sparse writes and truncation', (t) => {
  const fixture = new Fixture(t);
  const { nodeId, handle } = fixture.create('log', 'abc');
  writeText(fixture.tree, nodeId, handle, 6, 'def');
  assert.equal(readText(fixture.tree, nodeId, handle), 'abc\0\0\0def');
  fixture.tree.setattr(requestFor(nodeId), { sizeBytes: 2 });
  fixture.tree.setattr(requestFor(nodeId), { sizeBytes: 4 });
  assert.equal(readText(fixture.tree, nodeId, handle), 'ab\0\0');
  const far = 10_000_000;
  writeText(fixture.tree, nodeId, handle, far, 'end');
  assert.equal(fixture.tree.sizeBytes(nodeId), far + 3);
  assert.equal(readText(fixture.tree, nodeId, handle, far - 2), '\0\0end');
  assert.equal(readText(fixture.tree, nodeId, handle, 0, 3), '\0\0\0');
  assert.equal(
    errorOf(() => writeText(fixture.tree, nodeId, handle, Number.MAX_SAFE_INTEGER, 'x')),
    'EFBIG',
  );
});

void test('the errors that programs expect', (t) => {
  const fixture = new Fixture(t);
  const { tree } = fixture;
  const file = fixture.create('file').nodeId;
  const directory = tree.mkdir(requestFor(ROOT), 'd', 0o755).nodeId;
  const inner = tree.mkdir(requestFor(directory), 'inner', 0o755).nodeId;
  const rename = (from: string, to: string, newParent = ROOT, flags = 0) =>
    errorOf(() => {
      tree.rename(requestFor(ROOT), from, newParent, to, flags);
    });
  assert.equal(rename('d', 'x', inner), 'EINVAL');
  assert.equal(rename('d', 'file'), 'ENOTDIR');
  assert.equal(rename('file', 'd'), 'EISDIR');
  assert.equal(rename('file', 'd', ROOT, 1), 'EEXIST');
  assert.equal(rename('file', 'd', ROOT, 2), 'EINVAL');
  assert.equal(rename('file', 'x', file), 'ENOTDIR');
  assert.equal(
    errorOf(() => {
      tree.rmdir(requestFor(ROOT), 'd');
    }),
    'ENOTEMPTY',
  );
  assert.equal(
    errorOf(() => {
      tree.rmdir(requestFor(ROOT), 'file');
    }),
    'ENOTDIR',
  );
  assert.equal(
    errorOf(() => {
      tree.unlink(requestFor(ROOT), 'd');
    }),
    'EISDIR',
  );
  assert.equal(
    errorOf(() => {
      tree.unlink(requestFor(ROOT), 'none');
    }),
    'ENOENT',
  );
  assert.equal(
    errorOf(() => {
      tree.unlink(again(requestFor(ROOT)), 'none');
    }),
    'no error',
  );
  assert.equal(
    errorOf(() => tree.mkdir(requestFor(ROOT), 'file', 0o755)),
    'EEXIST',
  );
  assert.equal(
    errorOf(() => tree.mkdir(again(requestFor(ROOT)), 'file', 0o755)),
    'EEXIST',
  );
  assert.equal(
    errorOf(() => tree.mkdir(again(requestFor(ROOT)), 'd', 0o755)),
    'no error',
  );
  assert.equal(
    errorOf(() => tree.link(requestFor(ROOT), directory, 'x')),
    'EPERM',
  );
  assert.equal(
    errorOf(() => tree.open(requestFor(directory), O_RDWR)),
    'EISDIR',
  );
  assert.equal(
    errorOf(() => tree.setattr(requestFor(directory), { sizeBytes: 0 })),
    'EISDIR',
  );
  assert.equal(
    errorOf(() => tree.readlink(requestFor(file))),
    'EINVAL',
  );
  assert.equal(
    errorOf(() => tree.getattr(requestFor(999))),
    'ESTALE',
  );
  assert.equal(
    errorOf(() => tree.mknod(requestFor(ROOT), 'device', CHARACTER_DEVICE)),
    'EPERM',
  );
  assert.equal(tree.mknod(requestFor(ROOT), 'fifo', FIFO | 0o600).attributes.mode, FIFO | 0o600);
  tree.rmdir(requestFor(directory), 'inner');
  assert.equal(
    errorOf(() => tree.mkdir(requestFor(inner), 'x', 0o755)),
    'ENOENT',
  );
});

void test('owner, mode and group of what is made', (t) => {
  const fixture = new Fixture(t);
  const { tree } = fixture;
  const caller = { uid: 1234, gid: 2345 };
  const directory = tree.mkdir(requestFor(ROOT, caller), 'd', 0o755);
  assert.deepEqual([directory.attributes.uid, directory.attributes.gid], [1234, 2345]);
  tree.setattr(requestFor(directory.nodeId), { mode: 0o2775, gid: 77 });
  const file = tree.create(requestFor(directory.nodeId, caller), 'f', O_WRONLY, REGULAR | 0o4711).entry
    .attributes;
  assert.deepEqual([file.uid, file.gid, file.mode & PERMISSIONS], [1234, 77, 0o4711]);
  const inner = tree.mkdir(requestFor(directory.nodeId, caller), 'inner', 0o700).attributes;
  assert.deepEqual([inner.gid, inner.mode & PERMISSIONS, inner.nlink], [77, 0o2700, 2]);
  assert.equal(tree.getattr(requestFor(directory.nodeId)).attributes.nlink, 3);
});

void test('directories list their names, and statfs the room of the queue', (t) => {
  const fixture = new Fixture(t);
  for (const name of ['b', 'a', '\xff']) fixture.create(name);
  assert.deepEqual(
    listAll(fixture.tree, ROOT, true).map(({ name }) => name),
    ['.', '..', 'a', 'b', '\xff'],
  );
  fixture.restart(false);
  assert.deepEqual(
    listAll(fixture.tree, ROOT, false, 1).map(({ name }) => name),
    ['.', '..', 'a', 'b', '\xff'],
  );
  const { blocks, blocksFree, blocksAvailable, filesFree, files } = fixture.tree.statfs();
  assert.deepEqual([blocks, blocksFree, blocksAvailable, files - filesFree], [100, 40, 40, 4]);
});
