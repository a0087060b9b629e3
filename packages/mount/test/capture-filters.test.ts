import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RuleSettings } from '@k2hft/config';
import { BatchFlag } from '@k2hft/wire';
import type { CopySink } from '../src/copy-sink.js';
import { WallClock } from '../src/wall-clock.js';
import { requestOf, Site } from './capture-site.js';
import { FakeQueue } from './fake-queue.js';
import { filterByHand, filterLineByHand, linesByHand } from './filter-model.js';
import { ruleSettings, streamRule } from './rule-settings.js';

/** What a rule sends of everything that was written to a file, read line by line. */
function sentByHand(rule: RuleSettings, written: Buffer): string {
  let sent = '';
  for (const bytes of linesByHand(written)) {
    const part = bytes.toString('latin1');
    const lineBytes = bytes.length - (part.endsWith('\n') ? 1 : 0);
    if (lineBytes <= rule.maxRecordBytes) {
      sent += filterByHand(rule, bytes).toString('latin1');
    } else if (rule.longRecords === 'split') {
      // The first piece decides about the whole line.
      const first = bytes.subarray(0, rule.maxRecordBytes);
      if (filterLineByHand(rule, first) !== undefined) sent += part;
    }
  }
  return sent;
}

const writes = fc.array(
  fc
    .array(
      fc.oneof(
        fc.constantFrom('a', 'ERROR', ' x ', '\n', 'b\n', '\r\n', 'é', '😀\n'),
        fc.uint8Array({ minLength: 1, maxLength: 2 }),
        fc.integer({ min: 1, max: 9000 }).map((length) => 'y'.repeat(length)),
      ),
      { maxLength: 6 },
    )
    .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string)))),
  { maxLength: 20 },
);

const rules = fc
  .record({
    maxRecordBytes: fc.oneof(fc.constant(1024 * 1024), fc.integer({ min: 3, max: 200 })),
    longRecords: fc.constantFrom('split', 'drop'),
    default: fc.constantFrom('allow', 'deny'),
    allow: fc.subarray(['a', 'E.*R']),
    deny: fc.subarray(['x', '^$', 'é']),
  })
  .map((changes) => ruleSettings(changes));

/** Writes `texts`, with failed transactions and workers that die in between; returns what was sent. */
function writeAll(rule: RuleSettings, texts: readonly Buffer[], chance: () => number): string {
  const queue = new FakeQueue();
  let site = new Site(queue, streamRule(rule));
  site.open(1);
  let offset = 0;
  texts.forEach((bytes, index) => {
    const unique = 2 * index + 2;
    const luck = chance();
    if (luck === 0) {
      queue.failing = true;
      assert.throws(() => {
        site.write(1, unique, offset, bytes);
      });
      queue.failing = false;
    }
    site.write(1, unique, offset, bytes);
    offset += bytes.length;
    if (luck === 1) {
      site = new Site(queue, streamRule(rule));
      site.capture.restore(new Set([1]));
      assert.equal(site.capture.answered(requestOf(unique, true), 1), bytes.length);
    }
    if (luck === 2) {
      site.capture.makeRestDurable(1);
      site.store();
    }
  });
  site.capture.end(1);
  assert.deepEqual(queue.keys(), [], 'nothing of a closed stream stays');
  return queue.textOf(1);
}

void test('lines are filtered as if they were read one by one, however they are written and whoever dies', () => {
  fc.assert(
    fc.property(rules, writes, fc.infiniteStream(fc.integer({ min: 0, max: 6 })), (rule, texts, luck) => {
      const sent = writeAll(rule, texts, () => luck.next().value as number);
      assert.equal(sent, sentByHand(rule, Buffer.concat(texts)));
    }),
    { numRuns: 400 },
  );
});

void test('rewrites and outputs meet whole lines only', () => {
  const rule = ruleSettings({
    select: [{ pattern: '^(.*)ERROR', output: '<$1>' }],
    rewrite: [['x+', 'X']],
  });
  fc.assert(
    fc.property(writes, fc.infiniteStream(fc.integer({ min: 0, max: 6 })), (texts, luck) => {
      const sent = writeAll(rule, texts, () => luck.next().value as number);
      assert.equal(sent, sentByHand(rule, Buffer.concat(texts)));
    }),
    { numRuns: 150 },
  );
});

function sent(changes: Partial<RuleSettings>, ...texts: string[]) {
  const queue = new FakeQueue();
  const site = new Site(queue, streamRule(changes));
  site.open(1);
  let offset = 0;
  texts.forEach((text, index) => {
    site.write(1, 2 * index + 2, offset, Buffer.from(text));
    offset += text.length;
  });
  return {
    queue,
    site,
    text: () => queue.textOf(1),
    drops: () => Object.fromEntries(site.capture.counters.drops.entries()),
  };
}

void test('what is dropped makes no batch, and the write is known all the same', () => {
  const { queue, site, drops } = sent({ deny: ['x'] }, 'x\nxx\n', 'unfinished x');
  assert.equal(queue.batches.length, 0);
  const next = new Site(queue, streamRule({ deny: ['x'] }));
  next.capture.restore(new Set([1]));
  assert.equal(next.capture.answered(requestOf(4, true), 1), 12);
  site.capture.end(1);
  assert.equal(queue.batches.length, 0);
  assert.deepEqual(drops(), { filter: { lines: 3, bytes: 17 } });
});

void test('a failed transaction counts nothing', () => {
  const { queue, site, drops } = sent({ deny: ['x'], quotaBytesPerSecond: 10 });
  queue.failing = true;
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.throws(() => {
      site.write(1, 2, 0, Buffer.from('x\n12345678\n'));
    });
  }
  queue.failing = false;
  site.write(1, 2, 0, Buffer.from('x\n12345678\n'));
  assert.deepEqual(drops(), { filter: { lines: 1, bytes: 2 } });
  assert.equal(queue.textOf(1), '12345678\n');
});

void test('a piece that is rewritten or replaced does not glue its line to the next', () => {
  const rewritten = sent({ maxRecordBytes: 4, rewrite: [['a', 'AA']] }, 'xaxxaxxa\nab\n');
  assert.equal(rewritten.text(), 'xAAxxAAxxAA\nAAb\n');
  const replaced = sent(
    { maxRecordBytes: 4, select: [{ pattern: 'a', output: '<$&>' }] },
    'xaxxbbb',
    'bb',
    'b\nok\n',
  );
  assert.equal(replaced.text(), '<a>\nok\n');
  const emptied = sent({ maxRecordBytes: 4, rewrite: [['a', '']] }, 'aaaaaaaa', 'tail\nok\n');
  assert.equal(emptied.text(), 'til\nok\n', 'a piece that nothing is left of was not dropped');
});

void test('a line that was sent in part by line_timeout goes on, and one that was not does not', () => {
  const clock = new WallClock();
  const queue = new FakeQueue();
  const site = new Site(queue, streamRule({ deny: ['x'], lineTimeoutMs: 1 }), 0, clock);
  let nowMs = 1000;
  clock.nowMs = () => nowMs;
  site.open(1);
  const write = (unique: number, text: string) => {
    site.write(1, unique, unique * 1000, Buffer.from(text));
    nowMs += 10;
    site.capture.expireRests();
  };
  write(2, 'begun ');
  write(4, 'x goes on');
  write(6, ' ends\nx begun ');
  write(8, 'dropped');
  write(10, ' all\nkept\n');
  assert.equal(queue.textOf(1), 'begun x goes on ends\nkept\n');
});

void test('a line that is too long is dropped whole without being kept, and told once', () => {
  const { queue, site, text, drops } = sent(
    { longRecords: 'drop', maxRecordBytes: 5 },
    'ok\n1234',
    '5',
    '6',
    '7\nfine\n',
    '123456\n',
  );
  assert.equal(text(), 'ok\nfine\n');
  assert.deepEqual(drops(), { long_records: { lines: 2, bytes: 15 } });
  assert.equal(site.warnings.length, 1);
  const dropping = sent({ longRecords: 'drop', maxRecordBytes: 5 }, '123456');
  assert.equal(dropping.queue.row('s1')?.length, 56, 'nothing of it is kept');
  assert.equal(queue.batches.length, 2);
});

void test('a quota lets through a second’s worth, then whole lines as it fills again', () => {
  const clock = new WallClock();
  const queue = new FakeQueue();
  const site = new Site(queue, streamRule({ quotaBytesPerSecond: 10 }), 0, clock);
  let nowMs = 0;
  clock.nowMs = () => nowMs;
  site.open(1);
  const write = (atMs: number, text: string) => {
    nowMs = atMs;
    site.write(1, atMs + 2, queue.nextSequence() * 1000, Buffer.from(text));
  };
  write(0, '1234\n678\nabc\nd\n');
  assert.equal(queue.textOf(1), '1234\n678\n');
  write(100, 'e\nf\n');
  write(200, 'ghijkl\n');
  write(2000, 'a line longer than the quota\nno\n');
  assert.equal(queue.textOf(1), '1234\n678\ne\na line longer than the quota\n');
  write(3000, 'not yet\n');
  write(5000, 'again\n');
  assert.equal(queue.textOf(1), '1234\n678\ne\na line longer than the quota\nagain\n');
  assert.deepEqual(Object.fromEntries(site.capture.counters.drops.entries()), {
    quota: { lines: 6, bytes: 26 },
  });
  assert.equal(site.warnings.length, 1);
});

void test('the durable copy of an unfinished line is what the filter leaves of it', () => {
  const { queue, site } = sent({ deny: ['x'], rewrite: [['secret', '*']] }, 'a secret');
  assert.equal(site.capture.makeRestDurable(1), true);
  site.store();
  assert.match(queue.row('d1')?.toString() ?? '', /a \*$/);
  site.write(1, 4, 8, Buffer.from(' x'));
  assert.equal(site.capture.makeRestDurable(1), true, 'what was made durable goes');
  site.store();
  assert.equal(queue.row('d1'), undefined);
  assert.equal(site.capture.makeRestDurable(1), false);
});

void test('a rule for plugins alone queues for them, one for copies queues nothing', () => {
  assert.equal(sent({ send: 'no', plugin: ['/bin/cat'] }, 'a\n').queue.batches[0]?.flags, BatchFlag.LOCAL);
  const copied = sent({ send: 'no', copyTo: '/copy' }, 'a\n', 'b');
  assert.equal(copied.queue.batches.length, 0);
  assert.equal(copied.site.capture.neededBytes(1, 5), 0);
  assert.equal(copied.site.capture.answered(requestOf(4, true), 1), 1);
});

/** Remembers what it was given, as the real one would append it. */
class NotingCopies implements CopySink {
  readonly events: string[] = [];
  opened(): void {
    // What a copy needs to know of a stream's beginning is of no interest here.
  }
  restoredStage(): void {
    // No stage is open.
  }
  stageOf(): undefined {
    return undefined;
  }
  ends(): void {
    this.events.push('ends');
  }
  append(_stream: unknown, bytes: Buffer): void {
    this.events.push(bytes.toString());
  }
  failed(): void {
    this.events.push('failed');
  }
  committed(): void {
    this.events.push('committed');
  }
}

for (const [copyWhat, expected] of [
  ['written', ['x\na', 'failed', 'x\na', 'committed', 'b', 'committed', 'ends', 'committed']],
  ['filtered', ['failed', 'committed', 'committed', 'ab', 'ends', 'committed']],
] as const) {
  void test(`a copy of what is ${copyWhat} is handed over before each transaction`, () => {
    const copies = new NotingCopies();
    const queue = new FakeQueue();
    const site = new Site(
      queue,
      streamRule({ deny: ['x'], copyTo: '/c', copyWhat }),
      0,
      new WallClock(),
      copies,
    );
    site.open(1);
    queue.failing = true;
    assert.throws(() => {
      site.write(1, 2, 0, Buffer.from('x\na'));
    });
    queue.failing = false;
    site.write(1, 2, 0, Buffer.from('x\na'));
    site.write(1, 4, 3, Buffer.from('b'));
    site.capture.end(1);
    assert.deepEqual(copies.events, expected);
  });
}
