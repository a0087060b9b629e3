import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MountStatus } from '../src/mount-status-content.js';
import { TopHistory } from '../src/top-history.js';
import { topLines } from '../src/top-screen.js';
import { fit, tableLines } from '../src/top-table.js';
import { directionOf, trendOf } from '../src/top-trend.js';

function statusAt(second: number, files = 30): MountStatus {
  const amount = { batches: second, records: second * 10, bytes: second * 1000 };
  return {
    atMs: second * 1000,
    mountPoint: '/var/log/app',
    mode: 'overlay',
    host: 'web1',
    source: 'b3f0',
    software: 'k2hft 0.1.0',
    queue: {
      ...amount,
      oldestMs: second * 1000,
      hotBytes: 0,
      storeBytes: 0,
      cursors: { 'to ws://a:1/': { ...amount, oldestMs: 0 } },
      lost: {},
    },
    servers: ['ws://a:1', `ws://${'long'.repeat(30)}:2`].map((url) => ({
      url,
      state: 'up',
      sinceMs: 0,
      software: undefined,
      connections: 1,
      failures: 0,
      sent: amount,
      acked: amount,
      inFlight: amount,
      rate: { recordsPerSecond: 12_345, bytesPerSecond: 2048 },
      lastError: undefined,
    })),
    handedOver: 0,
    damaged: 0,
    plugins: [],
    worker: {
      pid: 1,
      writes: second * 100,
      bytes: second * 2048,
      overwrites: 0,
      pieces: 0,
      drops: {},
      undecided: 0,
      queue: { appended: amount, dropped: {} },
      isFull: false,
      operations: { write: { calls: second * 100, seconds: second * 0.005 } },
      durations: { write: { counts: [], sum: 0 }, fsync: { counts: [], sum: 0 } },
      files: Array.from({ length: files }, (_, index) => ({
        path: `logs/日本語-${index}.log`,
        bytes: 1,
        bytesPerSecond: 2,
      })),
    },
    processes: { supervisor: 1, worker: 2, forwarder: 3 },
    restarts: { worker: 0, forwarder: 0 },
    answeredAgoMs: 0,
  };
}

const VIEW = { columns: 80, rows: 24, isUnicode: true, failure: undefined };

function historyOf(...seconds: number[]): TopHistory {
  const history = new TopHistory();
  for (const second of seconds) history.add(statusAt(second));
  return history;
}

test('a screen is never wider or longer than the terminal', () => {
  for (const rows of [1, 5, 12, 24, 60]) {
    for (const columns of [20, 40, 79, 200]) {
      const lines = topLines(historyOf(1, 2, 3), { ...VIEW, rows, columns });
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
      for (const line of lines) assert.ok(Array.from(line).length <= columns, line);
    }
  }
});

test('what a screen has no room for is said', () => {
  const lines = topLines(historyOf(1, 2), VIEW);
  assert.equal(lines.length, 24);
  assert.match(lines.at(-1) ?? '', /^… \d+ more lines$/);
});

test('rates are of the time between two looks', () => {
  const text = topLines(historyOf(1, 3), VIEW).join('\n');
  assert.match(text, /^write {2}100 writes\/s of 50 us, 10 records\/s, 2\.0 KiB\/s$/m);
  assert.match(text, /^depth {2}3 batches, 30 records, 2\.9 KiB +rising +▄█$/m);
  assert.match(text, /^ws:\/\/a:1 +up +12\.3k +2\.0 KiB +3 +3$/m);
  assert.match(topLines(historyOf(1), VIEW).join('\n'), /^write {2}-$/m);
});

test('a mount that does not answer is still shown, with the reason', () => {
  const text = topLines(historyOf(1, 2), { ...VIEW, failure: 'no answer: gone' }).join('\n');
  assert.match(text, /^note {3}no answer: gone$/m);
  assert.deepEqual(topLines(new TopHistory(), { ...VIEW, failure: 'no answer' }), ['no answer']);
});

test('a trend is as long as what is known, and says which way it goes', () => {
  assert.equal(trendOf([0, 1, 2, 4], true), '▁▃▅█');
  assert.equal(trendOf([0, 0], false), '__');
  assert.deepEqual([[1, 1, 1, 1], [1, 1, 3, 4], [9, 8, 1, 0], [5]].map(directionOf), [
    'steady',
    'rising',
    'falling',
    'steady',
  ]);
});

test('cells that are too long are cut where the terminal would', () => {
  assert.equal(fit('abcdef', 4), 'abc~');
  assert.equal(fit('日本語', 5), '日本~');
  assert.deepEqual(
    tableLines(
      [
        { title: 'A', takesRest: true },
        { title: 'N', isNumber: true },
      ],
      [['x', '12']],
      20,
    ),
    ['A                  N', 'x                 12'],
  );
});
