import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthOf, readinessOf } from '../src/mount-health.js';

type Facts = Parameters<typeof healthOf>[0];

const LIMIT_MS = 300_000;
const NOW_MS = 1_000_000;

function facts(changes: {
  answeredAgoMs?: number;
  isFull?: boolean;
  oldestMs?: number;
  up?: boolean;
}): Facts {
  const { answeredAgoMs = 10, isFull = false, oldestMs, up = true } = changes;
  const amount = { batches: 1, records: 1, bytes: 1 };
  return {
    answeredAgoMs,
    worker: { isFull },
    queue: {
      ...amount,
      oldestMs: undefined,
      hotBytes: 0,
      storeBytes: 0,
      cursors: { any: { ...amount, oldestMs }, 'to ws://b/': { ...amount, oldestMs: undefined } },
      lost: {},
    },
    servers: [
      {
        url: 'ws://a',
        state: up ? 'up' : 'down',
        sinceMs: 0,
        software: undefined,
        connections: 0,
        failures: 0,
        sent: amount,
        acked: amount,
        inFlight: amount,
        rate: { recordsPerSecond: 0, bytesPerSecond: 0 },
        lastError: undefined,
      },
    ],
  };
}

test('what is delivered in time is healthy, whatever the servers do', () => {
  assert.equal(healthOf(facts({ up: false, oldestMs: NOW_MS - 299_000 }), LIMIT_MS, NOW_MS).ok, true);
});

test('data that is too old is unhealthy, and the reason names for whom', () => {
  const health = healthOf(facts({ oldestMs: NOW_MS - 301_000 }), LIMIT_MS, NOW_MS);
  assert.deepEqual(health, { ok: false, reason: 'records of 301 s ago are not delivered to "any"' });
});

test('a mount that does not answer is neither healthy nor ready', () => {
  for (const health of [
    healthOf(facts({ answeredAgoMs: 6_000 }), LIMIT_MS),
    readinessOf(facts({ answeredAgoMs: 6_000 })),
  ])
    assert.deepEqual(health, { ok: false, reason: 'the mount has not answered for 6 s' });
});

test('a full queue is unhealthy; not ready it is only when no server empties it', () => {
  assert.equal(healthOf(facts({ isFull: true }), LIMIT_MS).ok, false);
  assert.equal(readinessOf(facts({ isFull: true })).ok, true);
  assert.equal(readinessOf(facts({ isFull: true, up: false })).ok, false);
  assert.equal(readinessOf(facts({ up: false })).ok, true);
});
