import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration, formatStatus } from '../src/format-status.js';

void test('sizes and durations are shown as people read them', () => {
  assert.deepEqual([0, 1023, 1536, 150 * 1024, 5 * 1024 ** 3].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '150 KiB',
    '5.0 GiB',
  ]);
  assert.deepEqual([12, 1500, 90_000, 7_200_000].map(formatDuration), ['12 ms', '1.5 s', '1.5 min', '2.0 h']);
});

void test('a status names the queue, what was lost, the servers and the files', () => {
  const text = formatStatus({
    atMs: 0,
    handedOver: 4,
    damaged: 0,
    restarts: { worker: 2, forwarder: 1 },
    answeredAgoMs: 12,
    mountPoint: '/var/log/app',
    mode: 'overlay',
    host: 'web1',
    source: 'b3f0',
    software: 'k2hft 0.1.0',
    queue: {
      batches: 3,
      records: 7,
      bytes: 2048,
      oldestMs: 1500,
      hotBytes: 4096,
      storeBytes: 0,
      cursors: {},
      lost: { expired: { batches: 1, records: 2, bytes: 10 } },
    },
    servers: [
      {
        url: 'ws://h:1',
        state: 'up',
        sinceMs: 0,
        software: undefined,
        connections: 1,
        failures: 0,
        sent: { batches: 1, records: 1, bytes: 1 },
        acked: { batches: 1, records: 5, bytes: 100 },
        inFlight: { batches: 0, records: 0, bytes: 0 },
        rate: { recordsPerSecond: 2, bytesPerSecond: 50 },
        lastError: { message: 'refused', atMs: 0 },
      },
    ],
    plugins: [
      {
        rule: '*.log',
        command: ['/usr/bin/mask', '--fast'],
        processes: [{ state: 'running', pid: 77 }],
        restarts: 2,
        fed: { records: 10, bytes: 1024 },
        dropped: { batches: 1, records: 4, bytes: 9 },
        damaged: 0,
        lastError: { message: 'ended with status 1', atMs: 0 },
      },
    ],
    worker: {
      pid: 1,
      writes: 1,
      bytes: 1,
      overwrites: 0,
      pieces: 0,
      drops: { filter: { lines: 12, bytes: 1536 } },
      undecided: 3,
      queue: { appended: { batches: 1, records: 1, bytes: 1 }, dropped: {} },
      isFull: true,
      operations: {},
      durations: { write: { counts: [], sum: 0 }, fsync: { counts: [], sum: 0 } },
      copies: { bytes: 5, lostBytes: 2048 },
      files: [{ path: 'a.log', bytes: 10, bytesPerSecond: 5 }],
    },
    processes: { supervisor: 1, worker: 2, forwarder: 3 },
  });
  assert.match(text, /^\/var\/log\/app {2}overlay, host web1/);
  assert.match(text, /queue {4}3 batches, 7 records, 2\.0 KiB, oldest 1\.5 s/);
  assert.match(text, /lost {5}expired: 2 records, 10 B/);
  assert.match(text, /server {3}ws:\/\/h:1 {2}up, 5 records \(100 B\) acknowledged, 2 records\/s, 50 B\/s/);
  assert.match(text, /0 batches in flight, 1 connections, 0 failed/);
  assert.match(text, /full {5}there is no room in the queue/);
  assert.match(text, /twice {4}4 batches may be on two servers/);
  assert.match(text, /restarts worker 2, forwarder 1/);
  assert.match(text, /copies {3}2\.0 KiB could not be copied/);
  assert.doesNotMatch(text, /damaged|has not answered/);
  assert.match(text, /last error 1970-01-01T00:00:00\.000Z: refused/);
  assert.match(
    text,
    /plugin {3}\/usr\/bin\/mask \(\*\.log\) {2}running, process 77, 2 restarts, 10 records \(1\.0 KiB\) fed, 4 dropped/,
  );
  assert.match(text, /last error 1970-01-01T00:00:00\.000Z: ended with status 1/);
  assert.match(text, /file {5}a\.log {2}10 B, 5 B\/s/);
});
