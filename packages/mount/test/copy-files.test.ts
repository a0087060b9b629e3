import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { temporaryFolder } from '@k2hft/test-harness';
import { CopyComplaints } from '../src/copy-complaints.js';
import { CopyFiles } from '../src/copy-files.js';
import { CopyOpener } from '../src/copy-opener.js';
import { copyTarget, type CopyTarget } from '../src/copy-target.js';
import { PendingRows } from '../src/pending-rows.js';

const MOUNT_POINT = '/somewhere/else';

/** Rows that outlive the workers. */
class StoredRows {
  readonly stored = new Map<string, Buffer>();

  row(key: string): Buffer | undefined {
    return this.stored.get(key);
  }

  *rows(prefix: string): Iterable<[string, Buffer]> {
    for (const [key, value] of [...this.stored]) if (key.startsWith(prefix)) yield [key, value];
  }

  apply(changes: ReadonlyMap<string, Uint8Array | undefined>): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.stored.delete(key);
      else this.stored.set(key, Buffer.from(value));
    }
  }
}

/** One worker's copies; another one on the same rows is its successor. */
class Worker {
  readonly rows = new PendingRows();
  readonly log: string[] = [];
  readonly files: CopyFiles;
  nowMs = 1000;

  constructor(
    readonly queue: StoredRows,
    ownMountPoints: string[] = [MOUNT_POINT],
    umask = 0o022,
  ) {
    this.files = new CopyFiles({
      opener: new CopyOpener(new Set(ownMountPoints), umask),
      stored: queue,
      store: (key, value) => {
        queue.apply(new Map([[key, value]]));
        return true;
      },
      complaints: new CopyComplaints((level, message) => this.log.push(`${level}: ${message}`)),
      nowMs: () => this.nowMs,
    });
  }

  append(copyTo: string, path: string, text: string): void {
    const target: CopyTarget = copyTarget(copyTo, path, MOUNT_POINT);
    assert(target.kind !== 'inside');
    this.files.append(copyTo, target, Buffer.from(text, 'latin1'), true, this.rows);
  }

  commit(): void {
    this.queue.apply(this.rows.changes);
    this.rows.changes.clear();
    this.files.committed();
  }

  write(copyTo: string, path: string, text: string): void {
    this.append(copyTo, path, text);
    this.commit();
  }
}

function place(t: TestContext): { folder: string; queue: StoredRows; file: string; text: () => string } {
  const folder = temporaryFolder(t);
  const file = join(folder, 'copy.log');
  return { folder, queue: new StoredRows(), file, text: () => readFileSync(file, 'latin1') };
}

void test('missing directories and the file are made, with the umask', (t) => {
  const { folder, queue } = place(t);
  const worker = new Worker(queue, [MOUNT_POINT], 0o027);
  worker.write(join(folder, 'a/b/c.log'), 'x', 'one\n');
  worker.write(`${join(folder, 'd')}/`, 'e/f.log', 'two\n');
  assert.equal(readFileSync(join(folder, 'a/b/c.log'), 'utf8'), 'one\n');
  assert.equal(readFileSync(join(folder, 'd/e/f.log'), 'utf8'), 'two\n');
  assert.equal(statSync(join(folder, 'd/e/f.log')).mode & 0o777, 0o640);
  assert.equal(statSync(join(folder, 'd/e')).mode & 0o777, 0o750);
  assert.deepEqual(worker.log, []);
});

void test('names from the mount do not leave the directory through symbolic links', (t) => {
  const { folder, queue } = place(t);
  mkdirSync(join(folder, 'copies'));
  mkdirSync(join(folder, 'outside'));
  symlinkSync('../outside', join(folder, 'copies/sub'));
  symlinkSync('../outside/file', join(folder, 'copies/link.log'));
  const worker = new Worker(queue);
  worker.write(`${folder}/copies/`, 'sub/x.log', 'x\n');
  worker.write(`${folder}/copies/`, 'link.log', 'x\n');
  assert.deepEqual(readdirSync(join(folder, 'outside')), []);
  assert.equal(worker.files.counters.lostBytes, 4);
});

void test('the administrator may use symbolic links, but not into the mount', (t) => {
  const { folder, queue } = place(t);
  mkdirSync(join(folder, 'real'));
  mkdirSync(join(folder, 'mount'));
  symlinkSync('real', join(folder, 'link'));
  symlinkSync(join(folder, 'mount'), join(folder, 'trap'));
  const worker = new Worker(queue, [join(folder, 'mount')]);
  worker.write(join(folder, 'link/x.log'), 'p', 'x\n');
  assert.equal(readFileSync(join(folder, 'real/x.log'), 'utf8'), 'x\n');
  worker.write(join(folder, 'trap/x.log'), 'p', 'x\n');
  worker.write(`${join(folder, 'trap')}/`, 'p', 'x\n');
  symlinkSync(folder, join(folder, 'around'));
  worker.write(`${join(folder, 'around')}/`, 'mount/p', 'x\n');
  assert.equal(worker.log.length, 3);
  for (const line of worker.log) assert.match(line, /leads into the mount/);
  assert.deepEqual(readdirSync(join(folder, 'mount')), []);
});

void test('a file that was renamed or removed is made anew', (t) => {
  const { queue, file, text } = place(t);
  const worker = new Worker(queue);
  worker.write(file, 'p', 'one\n');
  renameSync(file, `${file}.1`);
  worker.write(file, 'p', 'two\n');
  worker.nowMs += 100;
  worker.write(file, 'p', 'three\n');
  assert.equal(readFileSync(`${file}.1`, 'latin1'), 'one\ntwo\n');
  assert.equal(text(), 'three\n');
});

void test('a character device takes copies, a FIFO does not and makes nobody wait', (t) => {
  const { folder, queue } = place(t);
  const worker = new Worker(queue);
  for (let line = 0; line < 3; line++) worker.write('/dev/null', 'p', 'gone\n');
  worker.append('/dev/null', 'p', 'gone\n');
  worker.files.failed(worker.rows);
  worker.write('/dev/null', 'p', 'gone\n');
  assert.deepEqual(worker.log, []);
  spawnSync('mkfifo', [join(folder, 'fifo')]);
  worker.write(join(folder, 'fifo'), 'p', 'lost\n');
  assert.equal(worker.log.length, 1);
  assert.equal(worker.files.counters.lostBytes, 5);
});

void test('what cannot be copied is counted, complained about once, and copied again', (t) => {
  const { folder, queue, file, text } = place(t);
  mkdirSync(file);
  const worker = new Worker(queue);
  for (let line = 0; line < 5; line++) worker.write(file, 'p', 'lost\n');
  assert.equal(worker.files.counters.lostBytes, 25);
  assert.equal(worker.log.length, 1);
  assert.match(worker.log[0] ?? '', /^error: .*EISDIR/);
  renameSync(file, join(folder, 'moved'));
  worker.write(file, 'p', 'lost\n');
  worker.nowMs += 1000;
  worker.write(file, 'p', 'there\n');
  assert.equal(text(), 'there\n');
  assert.equal(worker.log.length, 2);
  assert.match(worker.log[1] ?? '', /^info: .*30 bytes/);
});

void test('many files of a directory that fail together are one complaint', (t) => {
  const { folder, queue } = place(t);
  writeFileSync(join(folder, 'no-directory'), '');
  const worker = new Worker(queue);
  for (let file = 0; file < 1000; file++) worker.write(`${folder}/no-directory/`, `f${file}`, 'x\n');
  assert.equal(worker.log.length, 1);
});

void test('more files than may be open are all written', (t) => {
  const { folder, queue } = place(t);
  const worker = new Worker(queue);
  const before = readdirSync('/proc/self/fd').length;
  for (const text of ['one\n', 'two\n'])
    for (let file = 0; file < 600; file++) worker.write(`${folder}/`, `f${file}`, text);
  assert.ok(readdirSync('/proc/self/fd').length < before + 300);
  assert.ok(queue.stored.size < 300);
  for (let file = 0; file < 600; file++)
    assert.equal(readFileSync(join(folder, `f${file}`), 'latin1'), 'one\ntwo\n');
});

void test('killed between the append and its transaction: the bytes that come again are there already', (t) => {
  const { queue, file, text } = place(t);
  writeFileSync(file, 'foreign\n');
  const first = new Worker(queue);
  first.write(file, 'p', 'one\n');
  first.append(file, 'p', 'two\nthree\n');
  const second = new Worker(queue);
  second.write(file, 'p', 'two\nthree\n');
  second.write(file, 'p', 'two\nthree\n');
  assert.equal(text(), 'foreign\none\ntwo\nthree\ntwo\nthree\n');
});

void test('killed within the append: the rest is added', (t) => {
  const { queue, file, text } = place(t);
  const first = new Worker(queue);
  first.write(file, 'p', 'one\n');
  first.append(file, 'p', 'two\nthree\n');
  truncateSync(file, 'one\ntwo\nthr'.length);
  new Worker(queue).write(file, 'p', 'two\nthree\n');
  assert.equal(text(), 'one\ntwo\nthree\n');
});

void test('killed within the first append to a file that was just made', (t) => {
  const { queue, file, text } = place(t);
  new Worker(queue).append(file, 'p', 'one\n');
  new Worker(queue).write(file, 'p', 'one\n');
  assert.equal(text(), 'one\n');
});

void test('killed within the append, and the file is renamed before the next worker looks', (t) => {
  const { queue, file, text } = place(t);
  const first = new Worker(queue);
  first.write(file, 'p', 'one\n');
  first.append(file, 'p', 'two\nthree\n');
  truncateSync(file, 'one\ntwo\nthr'.length);
  renameSync(file, `${file}.1`);
  const second = new Worker(queue);
  second.write(file, 'p', 'two\nthree\n');
  assert.equal(readFileSync(`${file}.1`, 'latin1'), 'one\ntwo\nthree\n');
  second.nowMs += 100;
  second.write(file, 'p', 'four\n');
  assert.equal(text(), 'four\n');
  renameSync(file, `${file}.2`);
  new Worker(queue).write(file, 'p', 'five\n');
  assert.equal(text(), 'five\n');
});

void test('what is equal by chance is not taken for ours: a new queue, or long after the death', (t) => {
  const { queue, file, text } = place(t);
  new Worker(queue).write(file, 'p', 'same\n');
  new Worker(new StoredRows()).write(file, 'p', 'same\n');
  assert.equal(text(), 'same\nsame\n');
  const late = new Worker(queue);
  late.nowMs += 60_000;
  late.files.tick(late.rows);
  late.write(file, 'p', 'same\n');
  assert.equal(text(), 'same\nsame\nsame\n');
});

void test('what others append is neither cut off nor taken for ours', (t) => {
  const { queue, file, text } = place(t);
  new Worker(queue).write(file, 'p', 'one\n');
  appendFileSync(file, 'foreign\n');
  new Worker(queue).write(file, 'p', 'forth\n');
  assert.equal(text(), 'one\nforeign\nforth\n');
});

void test('a transaction that failed: the same bytes come again, others may come between', (t) => {
  const { queue, file, text } = place(t);
  const worker = new Worker(queue);
  worker.write(file, 'p', 'one\n');
  worker.append(file, 'p', 'two\n');
  worker.files.failed(worker.rows);
  assert.equal(worker.rows.changes.size, 0);
  worker.write(file, 'q', 'other\n');
  worker.append(file, 'p', 'two\n');
  worker.files.failed(worker.rows);
  worker.write(file, 'p', 'two\n');
  worker.write(file, 'p', 'two\n');
  assert.equal(text(), 'one\ntwo\nother\ntwo\n');
});

const step = fc.record({
  how: fc.constantFrom('commits', 'commits', 'fails', 'dies'),
  path: fc.constantFrom('a', 'b'),
  text: fc.array(fc.constantFrom('x', 'xy', '\n', 'yx\n', 'x\n'), { minLength: 1, maxLength: 4 }),
  /** Parts of the text that a worker had appended when it died, from 0 to 1. */
  torn: fc.double({ min: 0, max: 1, noNaN: true }),
  /** What others append is never what we append: equal bytes cannot be told apart. */
  between: fc.constantFrom('nothing', 'foreign', 'rotation'),
  rotatesBeforeRestart: fc.boolean(),
});

void test('whatever dies or fails when, each byte comes once and in order', (t) => {
  const folder = temporaryFolder(t);
  let run = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const directory = join(folder, String(run++));
      const queue = new StoredRows();
      let worker = new Worker(queue);
      const expected = new Map<string, string>();
      let rotations = 0;
      for (const { how, path, text: parts, torn, between, rotatesBeforeRestart } of steps) {
        const file = join(directory, path);
        const text = parts.join('');
        expected.set(path, (expected.get(path) ?? '') + text);
        const lengthBefore = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
        worker.nowMs += 200;
        worker.append(`${directory}/`, path, text);
        if (how === 'fails') worker.files.failed(worker.rows);
        if (how === 'dies') {
          truncateSync(file, lengthBefore + Math.floor(torn * text.length));
          if (rotatesBeforeRestart) renameSync(file, `${file}.${String(rotations++).padStart(3, '0')}`);
          worker = new Worker(queue);
        }
        if (how !== 'commits') worker.append(`${directory}/`, path, text);
        worker.commit();
        if (between === 'foreign') {
          appendFileSync(file, 'zzz');
          expected.set(path, `${expected.get(path) ?? ''}zzz`);
        } else if (between === 'rotation' && existsSync(file)) {
          renameSync(file, `${file}.${String(rotations++).padStart(3, '0')}`);
        }
      }
      for (const [path, text] of expected) {
        const names = readdirSync(directory)
          .filter((name) => name.startsWith(`${path}.`))
          .sort();
        if (existsSync(join(directory, path))) names.push(path);
        assert.equal(names.map((name) => readFileSync(join(directory, name), 'latin1')).join(''), text);
      }
    }),
    { numRuns: 300 },
  );
});
