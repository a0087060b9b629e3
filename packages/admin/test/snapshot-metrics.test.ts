import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { processRegistry, SnapshotMetrics } from '../src/index.js';

function linesOf(text: string, prefix: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(prefix));
}

test('metrics show what the snapshot says now, and nothing of before', async () => {
  const registry = processRegistry();
  let queues: Record<string, number> = { a: 1, b: 2 };
  let taken = 0;
  const metrics = new SnapshotMetrics(registry, () => {
    taken++;
    return queues;
  });
  const samples = (snapshot: Record<string, number>) =>
    Object.entries(snapshot).map(([cursor, value]) => ({ labels: { cursor }, value }));
  metrics
    .gauge({ name: 'k2hft_queue_batches', help: 'h', labels: ['cursor'] }, samples)
    .counter({ name: 'k2hft_sent_total', help: 'h', labels: ['cursor'] }, samples)
    .gauge({ name: 'k2hft_cursors', help: 'h' }, (snapshot) => [{ value: Object.keys(snapshot).length }]);
  const first = await registry.metrics();
  assert.equal(taken, 1);
  assert.deepEqual(linesOf(first, 'k2hft_'), [
    'k2hft_queue_batches{cursor="a"} 1',
    'k2hft_queue_batches{cursor="b"} 2',
    'k2hft_sent_total{cursor="a"} 1',
    'k2hft_sent_total{cursor="b"} 2',
    'k2hft_cursors 2',
  ]);
  await nextTurn();
  queues = { b: 5 };
  const second = await registry.metrics();
  assert.deepEqual(linesOf(second, 'k2hft_'), [
    'k2hft_queue_batches{cursor="b"} 5',
    'k2hft_sent_total{cursor="b"} 5',
    'k2hft_cursors 1',
  ]);
  assert.equal(linesOf(second, 'process_cpu_seconds_total').length, 1);
});

test('a histogram that was counted elsewhere is shown cumulated', async () => {
  const registry = processRegistry();
  new SnapshotMetrics(registry, () => [1, 2, 0, 3]).histogram(
    { name: 'k2hft_fsync_seconds', help: 'h', labels: ['of'] },
    [0.1, 1, 10],
    (counts) => [{ labels: { of: 'file' }, counts, sum: 1.5 }],
  );
  const text = await registry.metrics();
  assert.deepEqual(linesOf(text, '# TYPE k2hft_'), ['# TYPE k2hft_fsync_seconds histogram']);
  assert.deepEqual(linesOf(text, 'k2hft_'), [
    'k2hft_fsync_seconds_bucket{of="file",le="0.1"} 1',
    'k2hft_fsync_seconds_bucket{of="file",le="1"} 3',
    'k2hft_fsync_seconds_bucket{of="file",le="10"} 3',
    'k2hft_fsync_seconds_bucket{of="file",le="+Inf"} 6',
    'k2hft_fsync_seconds_sum{of="file"} 1.5',
    'k2hft_fsync_seconds_count{of="file"} 6',
  ]);
});
