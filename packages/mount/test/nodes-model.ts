import fc from 'fast-check';
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { FuseRequest } from '@k2hft/fuse';
import { DIRECTORY, FILE_TYPE, PERMISSIONS, REGULAR, SYMLINK } from '../src/attributes.js';
import type { FileTree } from '../src/file-tree.js';
import { again, errorOf, listAll, requestFor, type MemoryRows } from './nodes-harness.js';
import { runAndKill } from './nodes-killer.js';

/**
 * When the worker is killed within an operation: never, before its n-th system call that changes something, before its rows
 * are stored, or before its reply is sent.
 */
export type Kill = 'no' | number | 'before rows' | 'before reply';

export type Operation =
  | { do: 'create'; path: string; exclusive: boolean }
  | { do: 'write'; handle: number; at: number; bytes: number }
  | { do: 'truncate'; path: string; sizeBytes: number }
  | { do: 'ftruncate'; handle: number; sizeBytes: number }
  | { do: 'close'; handle: number }
  | { do: 'unlink' | 'mkdir' | 'rmdir' | 'symlink' | 'mknod'; path: string }
  | { do: 'rename' | 'link'; path: string; to: string }
  | { do: 'chmod'; path: string; mode: number }
  | { do: 'forget' };

const name = fc.constantFrom('a', 'b', 'c\xe9', 'd');
const path = fc.oneof(
  { weight: 3, arbitrary: name },
  { weight: 3, arbitrary: fc.tuple(name, name).map((names) => names.join('/')) },
  { weight: 1, arbitrary: fc.tuple(name, name, name).map((names) => names.join('/')) },
);
const handle = fc.nat(5);
const size = fc.nat(9000);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('create' as const), path, exclusive: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), handle, at: size, bytes: size }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate' as const), path, sizeBytes: size }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ftruncate' as const), handle, sizeBytes: size }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), handle }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('mkdir' as const), path }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('unlink' as const, 'rmdir', 'symlink', 'mknod'), path }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('rename' as const, 'link'), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('chmod' as const), path, mode: fc.nat(0o777) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const) }) },
);

export const story: fc.Arbitrary<{ operation: Operation; kill: Kill }[]> = fc.array(
  fc.record({
    operation,
    kill: fc.oneof(
      { weight: 3, arbitrary: fc.constant('no' as const) },
      { weight: 1, arbitrary: fc.constantFrom('before rows' as const, 'before reply' as const) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 8 }) },
    ),
  }),
  { minLength: 5, maxLength: 60, size: 'max' },
);

interface OpenPair {
  nodeId: number;
  handle: number;
  fd: number;
}

/**
 * Does the same on a tree and on a plain directory, and compares. Against the tree it behaves as the kernel does: it walks
 * names, counts lookups, and hands a request out again when the worker was killed within it.
 */
export class Comparison {
  private tree: FileTree;
  private readonly open: (OpenPair | undefined)[] = Array.from({ length: 6 }, () => undefined);
  private readonly lookups = new Map<number, number>();
  private readonly nodeOfInode = new Map<string, number>();
  private written = 0;

  constructor(
    private readonly rows: MemoryRows,
    private readonly plain: string,
    private readonly openTree: (fresh: boolean) => FileTree,
  ) {
    this.tree = openTree(true);
    rows.commit();
  }

  step(todo: Operation, kill: Kill): void {
    const expected = errorOf(() => {
      this.onPlain(todo);
    });
    // An operation that fails leaves nothing behind, so nothing tells whether it was done before.
    const actual = errorOf(() => {
      this.onTree(todo, expected === 'no error' ? kill : 'no');
    });
    this.rows.commit();
    assert.equal(actual, expected, JSON.stringify(todo));
    this.compare(1, '');
    this.compareHandles();
  }

  /** Ends the mount: everything closed and forgotten. */
  finish(): void {
    this.open.forEach((pair, index) => {
      if (pair !== undefined) this.step({ do: 'close', handle: index }, 'no');
    });
    this.forget();
    this.rows.commit();
    this.tree.close();
  }

  private restart(): void {
    this.tree.close();
    this.tree = this.openTree(false);
  }

  private call<T>(kill: Kill, nodeId: number, run: (request: FuseRequest) => T): T {
    const request = requestFor(nodeId);
    if (kill !== 'no') {
      if (typeof kill === 'number') runAndKill(kill, () => void run(request));
      else run(request);
      if (kill === 'before reply') this.rows.commit();
      else this.rows.discard();
      this.restart();
    }
    const result = run(kill === 'no' ? request : again(request));
    this.rows.commit();
    return result;
  }

  /** The reply was sent, so its rows were stored before. */
  private counted<T extends { nodeId: number }>(entry: T): T {
    this.rows.commit();
    this.lookups.set(entry.nodeId, (this.lookups.get(entry.nodeId) ?? 0) + 1);
    return entry;
  }

  private fail(code: string): never {
    throw Object.assign(new Error(code), { code });
  }

  /** The node of the directory, and the last name. */
  private walk(path: string): [parent: number, name: string] {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let at = 1;
    for (const each of names) {
      const entry = this.counted(this.tree.lookup(requestFor(at), each));
      const type = entry.attributes.mode & FILE_TYPE;
      if (type === SYMLINK) this.fail('ENOENT');
      if (type !== DIRECTORY) this.fail('ENOTDIR');
      at = entry.nodeId;
    }
    return [at, last];
  }

  private find(path: string): { nodeId: number; type: number } {
    const [parent, last] = this.walk(path);
    const { nodeId, attributes } = this.counted(this.tree.lookup(requestFor(parent), last));
    return { nodeId, type: attributes.mode & FILE_TYPE };
  }

  private onTree(todo: Operation, kill: Kill): void {
    const { tree } = this;
    switch (todo.do) {
      case 'create':
        this.createOnTree(todo, kill);
        return;
      case 'write':
      case 'ftruncate':
      case 'close':
        this.handleOnTree(todo, kill);
        return;
      case 'truncate':
      case 'chmod':
        this.setattrOnTree(todo, kill);
        return;
      case 'forget':
        this.forget();
        return;
      case 'link': {
        const existing = this.find(todo.path);
        const [parent, last] = this.walk(todo.to);
        if (existing.type === DIRECTORY) {
          // The kernel looks for the new name first, and never asks for a link to a directory.
          assert.notEqual(
            errorOf(() => tree.link(requestFor(parent), existing.nodeId, last)),
            'no error',
          );
          this.fail(this.isFree(parent, last) ? 'EPERM' : 'EEXIST');
        }
        this.counted(this.call(kill, parent, (request) => this.tree.link(request, existing.nodeId, last)));
        return;
      }
      case 'rename': {
        const [parent, last] = this.walk(todo.path);
        const [newParent, newLast] = this.walk(todo.to);
        this.call(kill, parent, (request) => {
          this.tree.rename(request, last, newParent, newLast, 0);
        });
        return;
      }
      default:
        this.nameOnTree(todo, kill);
    }
  }

  private nameOnTree(
    todo: Operation & { do: 'unlink' | 'mkdir' | 'rmdir' | 'symlink' | 'mknod' },
    kill: Kill,
  ) {
    const [parent, last] = this.walk(todo.path);
    const entry = this.call(kill, parent, (request) => {
      if (todo.do === 'unlink') this.tree.unlink(request, last);
      else if (todo.do === 'rmdir') this.tree.rmdir(request, last);
      else if (todo.do === 'mkdir') return this.tree.mkdir(request, last, 0o755);
      else if (todo.do === 'symlink') return this.tree.symlink(request, last, Buffer.from('nowhere'));
      else return this.tree.mknod(request, last, REGULAR | 0o640, 0);
      return undefined;
    });
    if (entry !== undefined) this.counted(entry);
  }

  private isFree(parent: number, name: string): boolean {
    return errorOf(() => this.counted(this.tree.lookup(requestFor(parent), name))) === 'ENOENT';
  }

  private createOnTree(todo: Operation & { do: 'create' }, kill: Kill): void {
    const free = this.open.indexOf(undefined);
    if (free < 0) return;
    const [parent, last] = this.walk(todo.path);
    if (this.isFree(parent, last)) {
      const { entry, opened } = this.call(kill, parent, (request) =>
        this.tree.create(request, last, fs.constants.O_RDWR, REGULAR | 0o640),
      );
      this.counted(entry);
      this.opened(free, entry.nodeId, opened.handle);
      return;
    }
    if (todo.exclusive) this.fail('EEXIST');
    const { nodeId, type } = this.find(todo.path);
    if (type === SYMLINK) this.fail('ELOOP');
    if (type === DIRECTORY) this.fail('EISDIR');
    const opened = this.call(kill, nodeId, (request) => this.tree.open(request, fs.constants.O_RDWR));
    this.opened(free, nodeId, opened.handle);
  }

  private opened(slot: number, nodeId: number, treeHandle: number): void {
    const others = this.open.filter((pair, index) => index !== slot && pair?.handle === treeHandle);
    assert.equal(others.length, 0, 'two opens share a handle');
    this.open[slot] = { nodeId, handle: treeHandle, fd: this.lastFd };
  }

  private lastFd = -1;

  private handleOnTree(todo: Operation & { do: 'write' | 'ftruncate' | 'close' }, kill: Kill): void {
    const pair = this.open[todo.handle];
    if (pair === undefined) return;
    if (todo.do === 'write') {
      const buffer = this.bytesOf(todo.bytes);
      const write = { handle: pair.handle, offset: todo.at, buffer, start: 0, end: buffer.length };
      const count = this.call(kill, pair.nodeId, (request) => this.tree.write(request, write));
      assert.equal(count, buffer.length);
    } else if (todo.do === 'ftruncate') {
      const changes = { sizeBytes: todo.sizeBytes, handle: pair.handle };
      this.call(kill, pair.nodeId, (request) => this.tree.setattr(request, changes));
    } else {
      this.open[todo.handle] = undefined;
      this.call(kill, pair.nodeId, (request) => {
        this.tree.release(request, pair.handle);
      });
    }
  }

  private setattrOnTree(todo: Operation & { do: 'truncate' | 'chmod' }, kill: Kill): void {
    const { nodeId, type } = this.find(todo.path);
    if (type === SYMLINK) this.fail('ENOENT');
    const changes = todo.do === 'chmod' ? { mode: todo.mode } : { sizeBytes: todo.sizeBytes };
    this.call(kill, nodeId, (request) => this.tree.setattr(request, changes));
  }

  private forget(): void {
    const used = new Set(this.open.map((pair) => pair?.nodeId));
    for (const [nodeId, count] of this.lookups) {
      if (used.has(nodeId)) continue;
      this.tree.forget(nodeId, count);
      this.lookups.delete(nodeId);
    }
    for (const [inode, nodeId] of this.nodeOfInode) {
      if (!used.has(nodeId)) this.nodeOfInode.delete(inode);
    }
  }

  private bytesOf(length: number): Buffer {
    return Buffer.alloc(length, `${this.written}:`);
  }

  private at(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.plain}/`), Buffer.from(path, 'latin1')]);
  }

  private onPlain(todo: Operation): void {
    switch (todo.do) {
      case 'create':
        if (!this.open.includes(undefined)) return;
        this.lastFd = fs.openSync(
          this.at(todo.path),
          fs.constants.O_RDWR |
            fs.constants.O_CREAT |
            fs.constants.O_NOFOLLOW |
            (todo.exclusive ? fs.constants.O_EXCL : 0),
          0o640,
        );
        fs.fchmodSync(this.lastFd, fs.fstatSync(this.lastFd).mode & PERMISSIONS);
        return;
      case 'write': {
        this.written++;
        const pair = this.open[todo.handle];
        if (pair !== undefined) fs.writeSync(pair.fd, this.bytesOf(todo.bytes), 0, todo.bytes, todo.at);
        return;
      }
      case 'ftruncate': {
        const pair = this.open[todo.handle];
        if (pair !== undefined) fs.ftruncateSync(pair.fd, todo.sizeBytes);
        return;
      }
      case 'close': {
        const pair = this.open[todo.handle];
        if (pair !== undefined) fs.closeSync(pair.fd);
        return;
      }
      default:
        this.namesOnPlain(todo);
    }
  }

  private namesOnPlain(todo: Exclude<Operation, { handle: number } | { do: 'create' }>): void {
    switch (todo.do) {
      case 'truncate':
        fs.truncateSync(this.at(todo.path), todo.sizeBytes);
        return;
      case 'unlink':
        fs.unlinkSync(this.at(todo.path));
        return;
      case 'rmdir':
        fs.rmdirSync(this.at(todo.path));
        return;
      case 'mkdir':
        fs.mkdirSync(this.at(todo.path), 0o755);
        return;
      case 'symlink':
        fs.symlinkSync('nowhere', this.at(todo.path));
        return;
      case 'mknod':
        fs.closeSync(fs.openSync(this.at(todo.path), 'wx', 0o640));
        return;
      case 'rename':
        fs.renameSync(this.at(todo.path), this.at(todo.to));
        return;
      case 'link':
        fs.linkSync(this.at(todo.path), this.at(todo.to));
        return;
      case 'chmod':
        fs.chmodSync(this.at(todo.path), todo.mode);
        return;
      case 'forget':
    }
  }

  /** The whole subtree: names, attributes, which names share a node, and content. */
  private compare(nodeId: number, path: string): void {
    const listed = listAll(this.tree, nodeId, path.length % 2 === 0).filter(({ name }) => name[0] !== '.');
    for (const { entry } of listed) if (entry !== undefined) this.counted(entry);
    const names = fs.readdirSync(this.at(path), { encoding: 'latin1' }).sort();
    assert.deepEqual(listed.map((each) => each.name).sort(), names, `names in '${path}'`);
    for (const each of names) {
      const below = join(path, each);
      const stat = fs.lstatSync(this.at(below));
      const entry = this.counted(this.tree.lookup(requestFor(nodeId), each));
      assert.equal(entry.attributes.mode, stat.mode, `mode of ${below}`);
      assert.equal(entry.attributes.nlink, stat.nlink, `links of ${below}`);
      if (stat.nlink === 1 || stat.isDirectory()) assert.equal(this.tree.pathOf(entry.nodeId), below);
      this.compareNode(stat, entry.nodeId);
      if (stat.isDirectory()) this.compare(entry.nodeId, below);
      else if (stat.isFile()) this.compareFile(entry.nodeId, stat, fs.readFileSync(this.at(below)));
      else assert.equal(this.tree.readlink(requestFor(entry.nodeId)).toString(), 'nowhere');
    }
  }

  /** A file keeps its node for as long as the kernel knows that. */
  private compareNode(stat: fs.Stats, nodeId: number): void {
    const inode = `${stat.ino}/${stat.birthtimeMs}`;
    assert.equal(this.nodeOfInode.get(inode) ?? nodeId, nodeId, 'a file has changed its node');
    this.nodeOfInode.set(inode, nodeId);
  }

  private compareFile(nodeId: number, stat: fs.Stats, content: Buffer): void {
    assert.equal(this.tree.sizeBytes(nodeId), stat.size);
    const opened = this.tree.open(requestFor(nodeId), fs.constants.O_RDONLY);
    this.compareContent(nodeId, opened.handle, content);
    this.tree.release(requestFor(nodeId), opened.handle);
  }

  private compareContent(nodeId: number, treeHandle: number, content: Buffer): void {
    const target = Buffer.alloc(content.length + 10, 0xee);
    const count = this.tree.read(requestFor(nodeId), treeHandle, 0, target);
    assert.ok(target.subarray(0, count).equals(content), `content of node ${nodeId}`);
  }

  private compareHandles(): void {
    for (const pair of this.open) {
      if (pair === undefined) continue;
      const stat = fs.fstatSync(pair.fd);
      const { attributes } = this.tree.getattr(requestFor(pair.nodeId), pair.handle);
      assert.equal(attributes.nlink, stat.nlink, 'links of an open file');
      assert.equal(attributes.sizeBytes, stat.size, 'size of an open file');
      const content = Buffer.alloc(stat.size);
      fs.readSync(pair.fd, content, 0, stat.size, 0);
      this.compareContent(pair.nodeId, pair.handle, content);
    }
    const handles = [...this.tree.openHandles()].map((each) => each.handle).sort((a, b) => a - b);
    const expected = this.open.flatMap((pair) => pair?.handle ?? []).sort((a, b) => a - b);
    assert.deepEqual(handles, expected, 'open handles');
  }
}
