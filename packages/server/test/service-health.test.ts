import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthOf, readinessOf } from '../src/service-health.js';

const WELL = { blocked: undefined, savingMs: undefined, applies: true, relay: undefined };
const LIMIT_MS = 10_000;

function blockedFor(forMs: number) {
  return { ...WELL, blocked: { reason: 'the disk is\nfull', causes: ['output' as const], forMs } };
}

function relayed(oldestMs: number | undefined) {
  const cursors = { any: { batches: 1, records: 1, bytes: 1, oldestMs } };
  const queue = { cursors, hotBytes: 0, storeBytes: 0, lost: {} };
  return { ...WELL, relay: { queue, servers: [], handedOver: 0, damaged: 0 } };
}

test('a blockage is unhealthy only after the limit, and not ready at once', () => {
  assert.equal(healthOf(blockedFor(9_000), LIMIT_MS).ok, true);
  assert.deepEqual(healthOf(blockedFor(11_000), LIMIT_MS), {
    ok: false,
    reason: 'nothing was acknowledged for 11 s: the disk is\\x0afull',
  });
  assert.equal(readinessOf(blockedFor(1)).ok, false);
});

test('a disk that does not answer is unhealthy', () => {
  assert.equal(healthOf({ ...WELL, savingMs: 9_000 }, LIMIT_MS).ok, true);
  assert.equal(healthOf({ ...WELL, savingMs: 11_000 }, LIMIT_MS).ok, false);
});

test('a relay is as healthy as its queue is young', () => {
  assert.equal(healthOf(relayed(100_000), LIMIT_MS, 105_000).ok, true);
  assert.equal(healthOf(relayed(undefined), LIMIT_MS, 105_000).ok, true);
  assert.match(healthOf(relayed(100_000), LIMIT_MS, 130_000).reason, /30 s ago for "any"/);
});

test('while files are brought in order it is healthy and not ready', () => {
  assert.equal(healthOf({ ...WELL, applies: false }, LIMIT_MS).ok, true);
  assert.equal(readinessOf({ ...WELL, applies: false }).ok, false);
  assert.equal(readinessOf(WELL).ok, true);
});
