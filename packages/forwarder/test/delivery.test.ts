import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ForwarderServers } from '../src/index.js';
import { DeliveryScene } from './helpers/delivery-scene.js';
import { events, eventsAndChanges, type Timed } from './helpers/delivery-schedule.js';

/*
 * Schedules made by chance of all that may happen around a forwarder, against what has to hold whatever happens:
 *
 * - nothing is acknowledged in the queue that is not on the disk of a server, of its own server in a broadcast;
 * - each server gets each stream in order;
 * - nothing goes twice to a server on one connection, unless it was given up or the settings were changed in between;
 * - what is in flight is bounded;
 * - in the end everything is on a server, in a broadcast on each, and what is on two was counted.
 *
 * A schedule takes some tenths of a second. Nothing that is claimed depends on how long anything takes. Therefore a
 * schedule that fails need not fail again: it is not made shorter.
 */
const OPTIONS = { numRuns: 20, endOnFailure: true };

async function check(chosen: Partial<ForwarderServers>, schedule: readonly Timed[]): Promise<void> {
  const scene = new DeliveryScene();
  try {
    await scene.start(chosen);
    await scene.run(schedule);
  } finally {
    await scene.end();
  }
  assert.deepEqual(scene.faults, []);
}

const lingers = fc.constantFrom({ lingerMs: 0, lingerRecords: 0 }, { lingerMs: 5, lingerRecords: 3 });
const failoverAfterMs = fc.constantFrom(10, 60, 60_000);

for (const deliver of ['failover', 'random', 'hash', 'broadcast'] as const) {
  test(`${deliver}: whatever servers do, nothing is lost, mixed up or held back`, async () => {
    await fc.assert(
      fc.asyncProperty(lingers, failoverAfterMs, events, (linger, afterMs, taken) =>
        check({ deliver, failoverAfterMs: afterMs, ...linger }, taken),
      ),
      OPTIONS,
    );
  });
}

for (const deliver of ['failover', 'random', 'hash', 'broadcast'] as const) {
  test(`${deliver}: the same while the settings change and the forwarder is started again`, async () => {
    await fc.assert(
      fc.asyncProperty(lingers, failoverAfterMs, eventsAndChanges, (linger, afterMs, taken) =>
        check({ deliver, failoverAfterMs: afterMs, ...linger }, taken),
      ),
      OPTIONS,
    );
  });
}
