import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Position, QueuedBatch } from '@k2hft/queue';
import { waitUntil } from '@k2hft/test-harness';
import { BATCH_PREFIX_BYTES, encodeAttributes, writeBatchHeader } from '@k2hft/wire';
import { formatTapLine } from '../src/format-tap.js';
import { TapHub } from '../src/tap-hub.js';
import type { TapLine } from '../src/tap-record.js';

function batchOf(sequence: number, path: string, text: string, flags = 0): QueuedBatch {
  const payload = Buffer.from(text);
  const attributes = encodeAttributes({ path: Buffer.from(path), host: 'h' });
  const start = BATCH_PREFIX_BYTES + attributes.length;
  const bytes = Buffer.concat([Buffer.alloc(start), payload]);
  const fields = {
    epoch: 1,
    sequence,
    stream: 1,
    flags,
    recordCount: flags === 1 ? 1 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    timeSeconds: 1_700_000_000,
    timeNanos: 5_000_000,
    pid: 42,
    uid: 7,
    gid: 8,
  };
  writeBatchHeader(bytes, start, bytes.length, fields, attributes);
  return { position: { epoch: 1, sequence }, bytes };
}

/** A hub of a queue whose newest batch is the tenth. */
function site() {
  let looks = 0;
  const queue = {
    read: (): unknown => {
      looks++;
      return [];
    },
    last: (): Position => ({ epoch: 1, sequence: 10 }),
  };
  const hub = new TapHub(
    () => queue,
    () => 'any',
  );
  const lines: TapLine[] = [];
  const open = (pattern: string, recordsPerSecondMax = 100, takes = () => true) =>
    hub.open({
      pattern,
      recordsPerSecondMax,
      tell: (line) => {
        if (takes()) lines.push(line);
        return takes();
      },
    });
  const texts = () => lines.map((line) => ('record' in line ? line.record.text : `-${line.leftOut}`));
  return { hub, open, lines, texts, looks: () => looks };
}

test('what is written from now on is told once, whoever reads it and how often', () => {
  const { hub, open, texts } = site();
  hub.saw([batchOf(9, 'a.log', 'nobody taps\n')]);
  const close = open('**');
  hub.saw([batchOf(10, 'a.log', 'old\n'), batchOf(11, 'a.log', 'one\ntwo\n')]);
  hub.saw([batchOf(11, 'a.log', 'one\ntwo\n'), batchOf(12, 'b.log', 'three\n')]);
  assert.deepEqual(texts(), ['one', 'two', 'three']);
  close?.();
  hub.saw([batchOf(13, 'a.log', 'closed\n')]);
  assert.equal(texts().length, 3);
});

test('only paths that match are told, with who wrote them', () => {
  const { hub, open, lines } = site();
  const close = open('app/*.log');
  hub.saw([batchOf(11, 'b.log', 'no\n'), batchOf(12, 'app/a.log', 'yes\n'), batchOf(13, 'app/x', 'a\nb', 1)]);
  close?.();
  assert.deepEqual(lines, [
    {
      record: {
        atMs: 1_700_000_000_005,
        path: 'app/a.log',
        host: 'h',
        pid: 42,
        uid: 7,
        gid: 8,
        isBinary: false,
        bytes: 3,
        text: 'yes',
      },
    },
  ]);
});

test('more than was asked for is left out and counted', async () => {
  const { hub, open, texts } = site();
  const close = open('**', 2);
  hub.saw([batchOf(11, 'a.log', '1\n2\n3\n4\n'), batchOf(12, 'a.log', '5\n')]);
  assert.deepEqual(texts(), ['1', '2']);
  await waitUntil('the next second begins', () => texts().includes('-3'));
  hub.saw([batchOf(13, 'a.log', '6\n')]);
  close?.();
  assert.deepEqual(texts(), ['1', '2', '-3', '6']);
});

test('who does not take what is told holds nothing up', () => {
  const { hub, open, texts } = site();
  let takes = false;
  const close = open('**', 100, () => takes);
  hub.saw([batchOf(11, 'a.log', 'one\n')]);
  takes = true;
  hub.saw([batchOf(12, 'a.log', 'two\n')]);
  close?.();
  assert.deepEqual(texts(), ['two']);
});

test('only so many tap at once, and nothing is read while nobody does', async () => {
  const { open, looks } = site();
  const closes = Array.from({ length: 8 }, () => open('**'));
  assert.equal(open('**'), undefined);
  for (const close of closes) close?.();
  const before = looks();
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.equal(looks(), before);
});

test('what would move the cursor of a terminal is escaped', () => {
  const record = { atMs: 0, path: 'a\n', host: 'h', pid: 1, uid: 2, gid: 3, isBinary: false };
  const line = formatTapLine({ record: { ...record, bytes: 9, text: '\x1b[2Jx\ty\u202e' } });
  assert.match(line, /^\d\d:\d\d:\d\d\.000 a\\x0a pid=1 uid=2 {2}\\x1b\[2Jx\ty\\u\{202e\}$/);
  assert.match(formatTapLine({ record: { ...record, bytes: 5000, text: 'x' } }), /x … \(5000 bytes\)$/);
  assert.equal(formatTapLine({ leftOut: 3 }), '-- 3 more records were not shown');
});
