import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchFlag } from '@k2hft/wire';
import { NODE, requestOf, Site } from './capture-site.js';
import { FakeQueue } from './fake-queue.js';
import { streamRule } from './rule-settings.js';

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom('a', 'bc\n', '\n', 'd\ne\nf', '\r\n\0'),
    fc.integer({ min: 1, max: 30_000 }).map((length) => 'x'.repeat(length)),
    fc.integer({ min: 1, max: 9_000 }).map((length) => `${'y'.repeat(length)}\n`),
  ),
  { maxLength: 25 },
);

void test('a stream sends the bytes written, whole lines first, whoever dies in between', () => {
  fc.assert(
    fc.property(
      pieces,
      fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
      fc.integer({ min: 9, max: 20_000 }),
      (texts, chance, limit) => {
        const queue = new FakeQueue();
        let site = new Site(queue, streamRule({ maxRecordBytes: limit }));
        site.open(1);
        let offset = 0;
        texts.forEach((text, index) => {
          const unique = 2 * index + 2;
          if (chance.next().value === 0) {
            queue.failing = true;
            assert.throws(() => {
              site.write(1, unique, offset, Buffer.from(text));
            });
            queue.failing = false;
          }
          site.write(1, unique, offset, Buffer.from(text));
          offset += text.length;
          if (chance.next().value === 1) {
            site = new Site(queue, streamRule({ maxRecordBytes: limit }));
            site.capture.restore(new Set([1]));
            assert.equal(site.capture.answered(requestOf(unique, true), 1), text.length);
            assert.equal(site.capture.answered(requestOf(unique + 2, true), 1), undefined);
          }
          const sent = queue.textOf(1);
          const soFar = texts.slice(0, index + 1).join('');
          assert.ok(soFar.startsWith(sent));
          assert.ok(!soFar.slice(sent.length).includes('\n'), 'no whole line waits');
          assert.ok(soFar.length - sent.length <= limit, 'no more than a record waits');
        });
        site.capture.end(1);
        assert.equal(queue.textOf(1), texts.join(''));
        assert.deepEqual(queue.keys(), [], 'nothing of a closed stream stays');
      },
    ),
    { numRuns: 200 },
  );
});

void test('records are counted, and a batch says when it ends inside one', () => {
  const queue = new FakeQueue();
  const site = new Site(queue, streamRule({ maxRecordBytes: 4 }));
  site.open(1);
  site.write(1, 2, 0, Buffer.from('a\nb\nccccdd\ne'));
  site.capture.end(1);
  const shown = queue.batches.map(({ payload, recordCount, flags }) => [
    payload.toString(),
    recordCount,
    flags & 7,
  ]);
  assert.deepEqual(shown, [
    ['a\nb\ncccc', 3, BatchFlag.ENDS_OPEN],
    ['dd\n', 1, 0],
    ['e', 1, BatchFlag.ENDS_OPEN | BatchFlag.STREAM_END],
  ]);
  assert.equal(site.warnings.length, 1);
});

void test('streams that were closed with their worker are ended by the next one', () => {
  const queue = new FakeQueue();
  const first = new Site(queue, streamRule());
  first.open(1);
  first.open(2);
  first.write(1, 2, 0, Buffer.from('one'));
  first.write(2, 4, 3, Buffer.from('two'));
  new Site(queue, streamRule()).capture.restore(new Set([2]));
  assert.equal(queue.textOf(1), 'one');
  assert.equal(queue.textOf(2), '');
});

void test('an overwrite elsewhere ends the unfinished line and is counted', () => {
  const queue = new FakeQueue();
  const site = new Site(queue, streamRule());
  site.open(1);
  site.write(1, 2, 0, Buffer.from('aaaa\nrest'));
  site.write(1, 4, 0, Buffer.from('bbbb\n'));
  assert.equal(queue.textOf(1), 'aaaa\nrestbbbb\n');
  assert.equal(queue.batches.at(-1)?.flags, BatchFlag.OVERWRITE);
  assert.equal(site.capture.counters.overwrites, 1);
});

void test('cached pages that come again are sent from the captured end only', () => {
  const queue = new FakeQueue();
  const site = new Site(queue, streamRule());
  site.open(1);
  const page = (text: string, unique: number) => {
    const buffer = Buffer.from(text);
    const write = {
      handle: 1,
      offset: 0,
      buffer,
      start: 0,
      end: buffer.length,
      fromCache: true,
      openFlags: 2,
    };
    site.capture.write(requestOf(unique), write);
  };
  page('one\ntw', 2);
  page('one\ntwo\nthree\n', 4);
  page('one\ntwo\nthree\n', 6);
  assert.equal(queue.textOf(1), 'one\ntwo\nthree\n');
});

void test('what is written behind a truncation is new, and an unfinished line goes on', () => {
  const queue = new FakeQueue();
  const site = new Site(queue, streamRule());
  site.open(1);
  site.write(1, 2, 0, Buffer.from('one\ntw'));
  site.capture.truncated(NODE, 0);
  site.write(1, 4, 0, Buffer.from('o\nthree\n'));
  assert.equal(queue.textOf(1), 'one\ntwo\nthree\n');
  assert.equal(site.capture.counters.overwrites, 0);
});

void test('a fsynced unfinished line is kept durable until a batch that goes to the store first replaces it', () => {
  const queue = new FakeQueue();
  let site = new Site(queue, streamRule());
  site.open(1);
  site.write(1, 2, 0, Buffer.from('begun '));
  assert.equal(site.capture.makeRestDurable(1), true);
  site.store();
  assert.ok(queue.row('d1'));
  site = new Site(queue, streamRule());
  site.capture.restore(new Set([1]));
  site.write(1, 4, 6, Buffer.from('more '));
  assert.ok(queue.row('d1'));
  site.write(1, 6, 11, Buffer.from('ended\nnext\n'));
  assert.equal(queue.row('d1'), undefined);
  assert.equal(queue.batches[0]?.flags, BatchFlag.DURABLE_FIRST);
  site.write(1, 8, 22, Buffer.from('last\n'));
  assert.equal(queue.batches[1]?.flags, 0);
  assert.equal(site.capture.makeRestDurable(1), false);
});

void test('lines are dropped whole: an unfinished one with its end, a beginning with what comes of it', () => {
  const queue = new FakeQueue();
  let site = new Site(queue, streamRule());
  site.open(1);
  const skip = (unique: number, text: string) => {
    const buffer = Buffer.from(text);
    const write = {
      handle: 1,
      offset: 0,
      buffer,
      start: 0,
      end: buffer.length,
      fromCache: false,
      openFlags: 1,
    };
    site.capture.skip(requestOf(unique), write);
    site.store();
  };
  site.write(1, 2, 0, Buffer.from('kept\nuser=alice action='));
  skip(4, 'login\nuser=bob action=');
  assert.deepEqual(site.dropped, [[1, 40]]);
  site = new Site(queue, streamRule());
  site.capture.restore(new Set([1]));
  site.write(1, 6, 100, Buffer.from('lo'));
  site.write(1, 8, 102, Buffer.from('gout\nuser=carol\nuser='));
  site.write(1, 10, 130, Buffer.from('dave\n'));
  assert.equal(queue.textOf(1), 'kept\nuser=carol\nuser=dave\n');
  assert.deepEqual(site.dropped, [
    [0, 2],
    [1, 5],
  ]);
});

void test('what was in a file before is not sent when another worker takes over', () => {
  const queue = new FakeQueue();
  let site = new Site(queue, streamRule(), 450);
  site.open(1);
  site = new Site(queue, streamRule(), 450);
  site.capture.restore(new Set([1]));
  const buffer = Buffer.alloc(450, 'x');
  const write = { handle: 1, offset: 0, buffer, start: 0, end: 450, fromCache: true, openFlags: 2 };
  site.capture.write(requestOf(2), write);
  assert.equal(queue.textOf(1), '');
});
