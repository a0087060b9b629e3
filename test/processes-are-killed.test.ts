import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNoMounts } from '@k2hft/test-harness';
import { runChaos, type ChaosResult } from './chaos.js';

const skip = whyNoMounts() ?? false;
const DURATION_MS = 30_000;

function assertExactlyOnce(result: ChaosResult): void {
  const { tally, written, errors } = result;
  assert.deepEqual(errors, [], 'no writer sees an error');
  assert.ok(written > 1000, `the writers wrote ${written} lines`);
  assert.deepEqual(tally, { lines: written, lost: 0, doubled: 0, disordered: 0, foreign: 0 });
}

void test(
  'every line arrives once and in order while all processes are killed at random',
  { skip },
  async (t) => {
    const result = await runChaos(t, { durationMs: DURATION_MS, mode: 'virtual', serverAway: false });
    assert.ok(result.kills.worker > 0 && result.kills.forwarder > 0 && result.kills.server > 0);
    assertExactlyOnce(result);
  },
);

void test('so it does when the server is away for the whole time', { skip }, async (t) => {
  assertExactlyOnce(await runChaos(t, { durationMs: DURATION_MS / 2, mode: 'virtual', serverAway: true }));
});

void test('and in an overlay', { skip }, async (t) => {
  assertExactlyOnce(await runChaos(t, { durationMs: DURATION_MS / 2, mode: 'overlay', serverAway: false }));
});
