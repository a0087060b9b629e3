import { temporaryFolder } from '@k2hft/test-harness';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FIFO, PERMISSIONS, REGULAR, type Shown } from '../src/attributes.js';
import { OverlayTree } from '../src/overlay-tree.js';
import { again, errorOf, listAll, MemoryRows, readText, requestFor, writeText } from './nodes-harness.js';
import { runAndKill } from './nodes-killer.js';

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;
const ROOT = 1;
const isRoot = process.geteuid?.() === 0;

class Fixture {
  readonly root: string;
  readonly outside: string;
  readonly rows = new MemoryRows();
  tree: OverlayTree;

  constructor(
    t: TestContext,
    private readonly show: Shown = {},
  ) {
    const folder = temporaryFolder(t);
    this.root = join(folder, 'root');
    this.outside = join(folder, 'outside');
    fs.mkdirSync(this.root);
    fs.mkdirSync(this.outside);
    this.tree = this.open(true);
    t.after(() => {
      this.tree.close();
    });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** The worker is killed, and another one takes over; `stored` says whether the last request's rows were stored. */
  takeOver(stored = true): void {
    if (stored) this.rows.commit();
    else this.rows.discard();
    this.tree.close();
    this.tree = this.open(false);
  }

  mountAgain(): void {
    this.rows.commit();
    this.tree.close();
    this.tree = this.open(true);
    this.rows.commit();
  }

  create(name: string, text = '', parent = ROOT): { nodeId: number; handle: number } {
    const { entry, opened } = this.tree.create(requestFor(parent), name, O_RDWR | O_CREAT, REGULAR | 0o644);
    writeText(this.tree, entry.nodeId, opened.handle, 0, text);
    this.rows.commit();
    return { nodeId: entry.nodeId, handle: opened.handle };
  }

  node(name: string, parent = ROOT): number {
    return this.tree.lookup(requestFor(parent), name).nodeId;
  }

  private open(fresh: boolean): OverlayTree {
    const { rows, root, show } = this;
    return OverlayTree.open({ root, rows: rows.pending, stored: rows, fresh, show });
  }
}

void test('what is made belongs to the caller, with exactly the mode', { skip: !isRoot }, (t) => {
  const fixture = new Fixture(t);
  const { tree } = fixture;
  const caller = { uid: 1234, gid: 2345 };
  const umask = process.umask(0o77);
  t.after(() => process.umask(umask));
  const file = tree.create(requestFor(ROOT, caller), 'file', O_WRONLY, REGULAR | 0o6751).entry.attributes;
  assert.deepEqual([file.uid, file.gid, file.mode & PERMISSIONS], [1234, 2345, 0o6751]);
  const made = tree.mknod(requestFor(ROOT, caller), 'made', REGULAR | 0o444).attributes;
  assert.deepEqual([made.uid, made.gid, made.mode & PERMISSIONS], [1234, 2345, 0o444]);
  const link = tree.symlink(
    requestFor(ROOT, caller),
    'link',
    Buffer.from('/nowhere\xff', 'latin1'),
  ).attributes;
  assert.deepEqual([link.uid, link.gid, link.sizeBytes], [1234, 2345, 9]);
  const directory = tree.mkdir(requestFor(ROOT, caller), 'directory', 0o1777);
  assert.equal(fs.statSync(fixture.path('directory')).mode & PERMISSIONS, 0o1777);
  tree.setattr(requestFor(directory.nodeId), { mode: 0o2775, gid: 77 });
  const below = requestFor(directory.nodeId, caller);
  assert.equal(tree.create(below, 'file', O_WRONLY, REGULAR | 0o640).entry.attributes.gid, 77);
  const inner = tree.mkdir(requestFor(directory.nodeId, caller), 'inner', 0o750).attributes;
  assert.deepEqual([inner.gid, inner.mode & PERMISSIONS], [77, 0o2750]);
});

void test('a creation that a killed worker has begun is finished', { skip: !isRoot }, (t) => {
  const fixture = new Fixture(t);
  const caller = { uid: 1234, gid: 2345 };
  for (let killedBefore = 1; killedBefore < 8; killedBefore++) {
    const name = `file${killedBefore}`;
    const request = requestFor(ROOT, caller);
    const folder = requestFor(ROOT, caller);
    runAndKill(
      killedBefore,
      () => void fixture.tree.create(request, name, O_WRONLY | O_EXCL, REGULAR | 0o4711),
    );
    fixture.takeOver(false);
    const { attributes } = fixture.tree.create(
      again(request),
      name,
      O_WRONLY | O_EXCL,
      REGULAR | 0o4711,
    ).entry;
    assert.deepEqual([attributes.uid, attributes.gid, attributes.mode & PERMISSIONS], [1234, 2345, 0o4711]);
    runAndKill(killedBefore, () => void fixture.tree.mkdir(folder, `${name}.d`, 0o1711));
    fixture.takeOver(false);
    const directory = fixture.tree.mkdir(again(folder), `${name}.d`, 0o1711).attributes;
    assert.deepEqual([directory.uid, directory.gid, directory.mode & PERMISSIONS], [1234, 2345, 0o1711]);
  }
});

void test('what was there before is not taken for a creation of one’s own', (t) => {
  const { tree, path } = bound(new Fixture(t));
  fs.writeFileSync(path('full'), 'content');
  fs.mkdirSync(path('directory'));
  const create = (name: string, flags: number, resent: boolean) =>
    errorOf(() => tree.create(requestFor(ROOT, { resent }), name, flags, REGULAR | 0o600));
  assert.equal(create('full', O_WRONLY | O_EXCL, false), 'EEXIST');
  // The kernel looks again, and opens it with a check of the caller's rights.
  assert.equal(create('full', O_WRONLY, false), 'ESTALE');
  assert.equal(create('full', O_WRONLY | O_EXCL, true), 'EEXIST');
  assert.equal(create('directory', O_WRONLY | O_EXCL, true), 'EEXIST');
  assert.equal(
    errorOf(() => tree.mkdir(requestFor(ROOT), 'directory', 0o700)),
    'EEXIST',
  );
  assert.equal(
    errorOf(() => tree.symlink(requestFor(ROOT, { resent: true }), 'full', Buffer.from('x'))),
    'EINVAL',
  );
  assert.equal(fs.readFileSync(path('full'), 'utf8'), 'content');
});

void test('reads, writes, truncates and syncs through handles', (t) => {
  const fixture = new Fixture(t);
  const { tree } = fixture;
  const { nodeId } = fixture.create('log', 'one\n');
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_TRUNC;
  const { handle } = tree.open(requestFor(nodeId), flags);
  assert.equal(writeText(tree, nodeId, handle, 4, 'two\n'), 4);
  assert.equal(writeText(tree, nodeId, handle, 0, 'ONE'), 3, 'written at the offset, not appended');
  // A page that is mapped through a handle for writing must be read first.
  assert.equal(readText(tree, nodeId, handle), 'ONE\ntwo\n');
  assert.equal(readText(tree, nodeId, handle, 4, 2), 'tw');
  tree.fsync(requestFor(nodeId), handle, false);
  tree.fsync(requestFor(nodeId), handle, true);
  tree.fsyncdir(requestFor(ROOT));
  assert.equal(tree.sizeBytes(nodeId), 8);
  tree.setattr(requestFor(nodeId), { sizeBytes: 3, handle });
  tree.setattr(requestFor(nodeId), { sizeBytes: 5 });
  assert.equal(fs.readFileSync(fixture.path('log'), 'latin1'), 'ONE\0\0');
  tree.release(requestFor(nodeId), handle);
  assert.equal(
    errorOf(() => writeText(tree, nodeId, handle, 0, 'x')),
    'EBADF',
  );
  assert.equal(
    errorOf(() => tree.open(requestFor(ROOT), O_RDONLY)),
    'EISDIR',
  );
  const reader = tree.open(requestFor(nodeId), O_RDONLY).handle;
  assert.equal(
    errorOf(() => writeText(tree, nodeId, reader, 0, 'x')),
    'EBADF',
  );
});

void test('times, to the microsecond, and the present', (t) => {
  const fixture = new Fixture(t);
  const { nodeId } = fixture.create('file');
  const mtime = { seconds: 1_700_000_000, nanos: 123_456_000 };
  // The kernel's clock of files may be a few milliseconds behind.
  const beforeSeconds = Math.floor(Date.now() / 1000) - 1;
  const first = fixture.tree.setattr(requestFor(nodeId), { mtime, atime: 'now' }).attributes;
  assert.deepEqual(first.mtime, mtime);
  assert.ok(first.atime.seconds >= beforeSeconds && first.atime.seconds <= Date.now() / 1000);
  const second = fixture.tree.setattr(requestFor(nodeId), { atime: { seconds: -5, nanos: 0 } }).attributes;
  assert.equal(second.atime.seconds, -5);
  assert.deepEqual(second.mtime, mtime);
  fs.symlinkSync('/etc/passwd', fixture.path('link'));
  const link = fixture.tree.setattr(requestFor(fixture.node('link')), { mtime }).attributes;
  assert.deepEqual(link.mtime, mtime);
});

void test('hard links share a node, and renames keep it', (t) => {
  const fixture = new Fixture(t);
  const { tree } = fixture;
  const { nodeId } = fixture.create('a\xff');
  const directory = tree.mkdir(requestFor(ROOT), 'd', 0o755).nodeId;
  const linked = tree.link(requestFor(directory), nodeId, 'b');
  assert.equal(linked.nodeId, nodeId);
  assert.equal(linked.attributes.nlink, 2);
  tree.unlink(requestFor(ROOT), 'a\xff');
  assert.equal(tree.pathOf(nodeId), 'd/b');
  tree.rename(requestFor(ROOT), 'd', ROOT, 'e', 0);
  assert.equal(tree.pathOf(nodeId), 'e/b');
  fixture.takeOver();
  assert.equal(fixture.tree.pathOf(nodeId), 'e/b');
  assert.equal(fixture.node('b', fixture.node('e')), nodeId);
  assert.equal(fixture.tree.getattr(requestFor(nodeId), undefined).attributes.nlink, 1);
});

void test('renames that are refused', (t) => {
  const fixture = new Fixture(t);
  const { tree } = fixture;
  fixture.create('a');
  fixture.create('b');
  const rename = (from: string, to: string, flags: number, resent = false) =>
    errorOf(() => {
      tree.rename(requestFor(ROOT, { resent }), from, ROOT, to, flags);
    });
  assert.equal(rename('a', 'b', 1), 'EEXIST');
  assert.equal(rename('a', 'b', 2), 'EINVAL');
  assert.equal(rename('a', 'b', 4), 'EINVAL');
  assert.equal(rename('none', 'b', 0), 'ENOENT');
  assert.equal(rename('none', 'nothing', 0, true), 'ENOENT');
  assert.equal(rename('none', 'b', 0, true), 'no error');
  assert.equal(rename('a', 'c', 1), 'no error');
});

void test('names that no program may see or make', (t) => {
  const fixture = new Fixture(t);
  const { tree } = fixture;
  const file = fixture.create('open', 'text');
  tree.unlink(requestFor(ROOT), 'open');
  assert.deepEqual(fs.readdirSync(fixture.root), ['.k2hft-hidden']);
  assert.deepEqual(
    listAll(tree, ROOT, false).map(({ name }) => name),
    ['.', '..'],
  );
  const name = '.k2hft-hidden';
  assert.equal(
    errorOf(() => tree.lookup(requestFor(ROOT), name)),
    'ENOENT',
  );
  assert.equal(
    errorOf(() => tree.mkdir(requestFor(ROOT), name, 0o755)),
    'EPERM',
  );
  assert.equal(
    errorOf(() => {
      tree.rmdir(requestFor(ROOT), name);
    }),
    'ENOENT',
  );
  assert.equal(
    errorOf(() => {
      tree.rename(requestFor(ROOT), name, ROOT, 'x', 0);
    }),
    'ENOENT',
  );
  assert.equal(
    errorOf(() => tree.lookup(requestFor(ROOT), '..')),
    'EINVAL',
  );
  assert.equal(
    errorOf(() => tree.lookup(requestFor(ROOT), 'a/b')),
    'EINVAL',
  );
  assert.equal(
    errorOf(() => tree.lookup(requestFor(ROOT), 'x'.repeat(256))),
    'ENAMETOOLONG',
  );
  const { attributes } = tree.getattr(requestFor(file.nodeId), undefined);
  assert.equal(attributes.nlink, 0);
  assert.equal(tree.pathOf(file.nodeId), 'open');
  assert.equal(tree.getattr(requestFor(ROOT), undefined).attributes.nlink, 2);
  tree.release(requestFor(file.nodeId), file.handle);
  assert.deepEqual(fs.readdirSync(fixture.root), []);
});

void test('what was left hidden is swept by the next mount', (t) => {
  const fixture = new Fixture(t);
  const { nodeId, handle } = fixture.create('open');
  fixture.tree.unlink(requestFor(ROOT), 'open');
  fixture.mountAgain();
  assert.deepEqual(fs.readdirSync(fixture.root), []);
  assert.deepEqual(fixture.rows.keys(), ['hc', 'nc']);
  assert.equal(
    errorOf(() => fixture.tree.getattr(requestFor(nodeId), undefined)),
    'ESTALE',
  );
  assert.equal(
    errorOf(() => readText(fixture.tree, nodeId, handle)),
    'EBADF',
  );
  assert.ok(fixture.create('open').nodeId > nodeId, 'a number is never given out again');
});

void test('device nodes and FIFOs cannot be made, and none is ever opened', (t) => {
  const fixture = new Fixture(t);
  assert.equal(
    errorOf(() => fixture.tree.mknod(requestFor(ROOT), 'fifo', FIFO | 0o644)),
    'EPERM',
  );
  execFileSync('mkfifo', [fixture.path('fifo')]);
  assert.equal(
    errorOf(() => fixture.tree.open(requestFor(fixture.node('fifo')), O_RDONLY)),
    'ENXIO',
  );
});

void test('what others change below is noticed', (t) => {
  const fixture = new Fixture(t);
  const { tree, path } = bound(fixture);
  const { nodeId, handle } = fixture.create('log', 'old');
  tree.release(requestFor(nodeId), handle);
  fs.renameSync(path('log'), path('log.1'));
  fs.writeFileSync(path('log'), 'new');
  assert.equal(
    errorOf(() => tree.open(requestFor(nodeId), O_RDONLY)),
    'ESTALE',
  );
  assert.equal(
    errorOf(() => tree.getattr(requestFor(nodeId), undefined)),
    'ESTALE',
  );
  assert.notEqual(fixture.node('log'), nodeId);
  assert.equal(fixture.node('log.1'), nodeId);
  const opened = tree.open(requestFor(nodeId), O_RDWR).handle;
  fs.unlinkSync(path('log.1'));
  assert.equal(readText(tree, nodeId, opened), 'old');
  assert.equal(tree.setattr(requestFor(nodeId), { mode: 0o600 }).attributes.nlink, 0);
  assert.equal(
    errorOf(() => tree.lookup(requestFor(ROOT), 'log.1')),
    'ENOENT',
  );
});

void test('directories that others move around never form a loop', (t) => {
  const fixture = new Fixture(t);
  const { tree, path } = bound(fixture);
  const a = tree.mkdir(requestFor(ROOT), 'a', 0o755).nodeId;
  const b = tree.mkdir(requestFor(a), 'b', 0o755).nodeId;
  tree.mkdir(requestFor(b), 'c', 0o755);
  fs.renameSync(path('a/b'), path('b'));
  fs.renameSync(path('a'), path('b/a'));
  assert.equal(fixture.node('a', b), a);
  assert.equal(tree.pathOf(a).length < 10, true);
  assert.equal(fixture.node('b'), b);
  assert.equal(tree.pathOf(a), 'b/a');
});

void test('a symlink put in the place of a directory leads nowhere', (t) => {
  const fixture = new Fixture(t);
  const { path } = bound(fixture);
  fs.writeFileSync(join(fixture.outside, 'secret'), 'secret');
  const directory = fixture.tree.mkdir(requestFor(ROOT), 'd', 0o755).nodeId;
  for (const known of [true, false]) {
    if (!known) fixture.takeOver();
    else fixture.create('file', '', directory);
    fs.renameSync(path('d'), path('moved'));
    fs.symlinkSync(fixture.outside, path('d'));
    assert.notEqual(
      errorOf(() => fixture.tree.lookup(requestFor(directory), 'secret')),
      'no error',
    );
    const made = errorOf(() =>
      fixture.tree.create(requestFor(directory), 'planted', O_WRONLY, REGULAR | 0o644),
    );
    assert.equal(made, known ? 'no error' : 'ESTALE');
    assert.deepEqual(fs.readdirSync(fixture.outside), ['secret']);
    fs.unlinkSync(path('d'));
    fs.renameSync(path('moved'), path('d'));
  }
});

void test('directories list inode numbers and types, in pieces, through a takeover', (t) => {
  const fixture = new Fixture(t);
  for (let index = 0; index < 20; index++) fs.writeFileSync(fixture.path(`f${index}`), '');
  fs.mkdirSync(fixture.path('d'));
  const names = listAll(fixture.tree, ROOT, true);
  assert.equal(names.length, 23);
  for (const { name, ino, entry } of names.slice(2)) {
    assert.equal(ino, fs.statSync(fixture.path(name)).ino);
    assert.equal(entry?.nodeId, fixture.node(name));
  }
  const { handle } = fixture.tree.opendir(requestFor(ROOT), 0);
  const seen: string[] = [];
  let offset = 0;
  for (let round = 0; round < 6; round++) {
    let room = 5;
    const add = ({ name }: { name: string }, next: number) => {
      if (room-- === 0) return false;
      offset = next;
      return seen.push(name) > 0;
    };
    fixture.tree.readdir(requestFor(ROOT), handle, offset, { add, addWithEntry: add });
    fixture.takeOver();
  }
  assert.deepEqual(seen.sort(), names.map(({ name }) => name).sort());
  fixture.tree.releasedir(requestFor(ROOT), handle);
});

void test('settings show another owner and mode', (t) => {
  const fixture = new Fixture(t, { umask: 0o077, uid: 42, gid: 43 });
  const { nodeId } = fixture.create('file');
  const { attributes } = fixture.tree.getattr(requestFor(nodeId), undefined);
  assert.deepEqual([attributes.uid, attributes.gid, attributes.mode & PERMISSIONS], [42, 43, 0o600]);
  assert.equal(fs.statSync(fixture.path('file')).mode & PERMISSIONS, 0o644);
});

void test('statfs shows the file system below', (t) => {
  const fixture = new Fixture(t);
  const shown = fixture.tree.statfs(requestFor(ROOT));
  const below = fs.statfsSync(fixture.root);
  assert.equal(shown.blocks, below.blocks);
  assert.equal(shown.blockBytes, below.bsize);
});

void test('files on another device are hidden beside, out of the way of rmdir', { skip: !isRoot }, (t) => {
  const fixture = new Fixture(t);
  fs.mkdirSync(fixture.path('disk'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', fixture.path('disk')], { stdio: 'ignore' });
  } catch {
    t.skip('cannot mount a tmpfs here');
    return;
  }
  // Before the folder is removed, so not in a hook of its own.
  try {
    const disk = fixture.node('disk');
    const directory = fixture.tree.mkdir(requestFor(disk), 'd', 0o755).nodeId;
    const file = fixture.create('open', 'text', directory);
    fixture.tree.unlink(requestFor(directory), 'open');
    assert.deepEqual(fs.readdirSync(fixture.path('disk/d')), [`.k2hft-hidden-${file.nodeId}`]);
    fixture.takeOver();
    assert.equal(readText(fixture.tree, file.nodeId, file.handle), 'text');
    const removal = requestFor(disk);
    fixture.tree.rmdir(removal, 'd');
    fixture.takeOver(false);
    fixture.tree.rmdir(again(removal), 'd');
    fixture.takeOver();
    assert.deepEqual(
      listAll(fixture.tree, disk, false).map(({ name }) => name),
      ['.', '..'],
    );
    assert.equal(readText(fixture.tree, file.nodeId, file.handle), 'text');
    fixture.tree.release(requestFor(file.nodeId), file.handle);
    assert.deepEqual(fs.readdirSync(fixture.path('disk')), []);
  } finally {
    fixture.tree.close();
    execFileSync('umount', ['-l', fixture.path('disk')]);
  }
});

void test('the way up never leads into what is mounted on top', { skip: !isRoot }, (t) => {
  const root = join(temporaryFolder(t), 'root');
  fs.mkdirSync(root);
  const below = fs.openSync(root, O_RDONLY);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', root], { stdio: 'ignore' });
  } catch {
    fs.closeSync(below);
    t.skip('cannot mount a tmpfs here');
    return;
  }
  try {
    const rows = new MemoryRows();
    const path = `/proc/self/fd/${below}`;
    const tree = OverlayTree.open({ root: path, rows: rows.pending, stored: rows, fresh: true, show: {} });
    const directory = tree.mkdir(requestFor(ROOT), 'd', 0o755).nodeId;
    const [own, above] = listAll(tree, directory, false);
    assert.equal(own?.ino, tree.getattr(requestFor(directory), undefined).attributes.ino);
    assert.equal(above?.ino, fs.fstatSync(below).ino);
    assert.equal(listAll(tree, ROOT, true).map(({ ino }) => ino)[1], fs.fstatSync(below).ino);
    tree.close();
  } finally {
    execFileSync('umount', ['-l', root]);
    fs.closeSync(below);
  }
});

function bound(fixture: Fixture): { tree: OverlayTree; path: (name: string) => string } {
  return { tree: fixture.tree, path: (name) => fixture.path(name) };
}
