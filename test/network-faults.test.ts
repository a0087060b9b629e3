import assert from 'node:assert/strict';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sleep, waitUntil, waitUntilDelivered, whyNoMounts } from '@k2hft/test-harness';
import { tallyServers } from './servers-tally.js';
import {
  DELIVERIES,
  handedOverBatches,
  startStreams,
  startThreeServers,
  type Deliver,
  type Place,
  type ThreeServers,
} from './three-servers.js';

const skip = whyNoMounts() ?? false;
const STREAMS = 8;
const PAUSE_MS = 10;

/** A silence of 15 s is found: longer than that and a heartbeat. */
const SICK_MS = 21_000;
const AWAY_MS = 6_000;
const DISK_MIB = 32;

/** The four run side by side: most of their time passes in waiting for what is found only by its silence. */
void describe('three servers are killed, frozen, cut off, slow and full', { concurrency: 4, skip }, () => {
  for (const deliver of DELIVERIES) {
    void test(`${deliver}: nothing is lost, and each server has its lines in order`, async (t) => {
      const scene = await startThreeServers(t, deliver, { diskMiB: DISK_MIB });
      const writer = startStreams(t, scene.mount, STREAMS, PAUSE_MS);
      await someArrive(deliver, scene);
      await killedAndFrozen(deliver, scene);
      await cutAndSlow(deliver, scene);
      await full(deliver, scene.places[0]);
      const reports = await writer.finish();
      await waitUntilDelivered(scene.mount);
      t.diagnostic(await assertArrived(deliver, scene, reports));
    });
  }
});

/** The first is killed and comes back while the second stands still. */
async function killedAndFrozen(deliver: Deliver, scene: ThreeServers): Promise<void> {
  const [first, second] = scene.places;
  await first.server.kill();
  await second.server.freeze();
  const frozenMs = performance.now();
  await sleep(AWAY_MS);
  await first.server.restart();
  if (deliver === 'broadcast') await healthyGoOn(scene);
  await sleep(SICK_MS - (performance.now() - frozenMs));
  if (deliver === 'broadcast') await healthyGoOn(scene);
  second.server.thaw();
}

async function cutAndSlow(deliver: Deliver, scene: ThreeServers): Promise<void> {
  const [first, second] = scene.places;
  first.road.cut();
  second.road.slow();
  await sleep(SICK_MS / 2);
  if (deliver === 'broadcast') await healthyGoOn(scene);
  await sleep(SICK_MS / 2);
  first.road.mend();
  second.road.mend();
}

async function full(deliver: Deliver, place: Place): Promise<void> {
  assert.ok(place.disk !== undefined);
  const ballast = join(place.disk, 'ballast');
  // As much as fits: the write ends with ENOSPC.
  assert.throws(() => {
    writeFileSync(ballast, Buffer.alloc((DISK_MIB + 1) * 1024 * 1024));
  });
  // By hash or by chance it may be sent nothing.
  if (deliver === 'failover' || deliver === 'broadcast')
    await place.server.printed(/nothing more is taken and acknowledged/);
  await sleep(AWAY_MS);
  rmSync(ballast);
  const before = sizeOf(place.output);
  if (deliver === 'failover')
    await waitUntil('the first in the list is preferred again', () => sizeOf(place.output) > before);
}

/** Whatever the others do, the third has all that is written by now within a moment. */
async function healthyGoOn({ places: [, , third], mount }: ThreeServers): Promise<void> {
  const acked = () => mount.status().servers[2] as unknown as { acked: { records: number } };
  const before = acked().acked.records;
  const sizes = sizeOf(third.output);
  await waitUntil('the healthy server goes on', () => sizeOf(third.output) > sizes);
  await waitUntil('and says so', () => acked().acked.records > before);
}

function sizeOf(output: string): number {
  const files = Array.from({ length: STREAMS }, (_, index) => join(output, `stream${index}.log`));
  return files.reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0);
}

async function someArrive(deliver: Deliver, { places }: ThreeServers): Promise<void> {
  const wanted = deliver === 'broadcast' ? 3 : 1;
  await waitUntil('lines arrive', () => places.filter(({ output }) => sizeOf(output) > 0).length >= wanted);
}

async function assertArrived(
  deliver: Deliver,
  { places, mount }: ThreeServers,
  reports: Parameters<typeof tallyServers>[1],
): Promise<string> {
  const tally = await tallyServers(
    places.map(({ output }) => output),
    reports,
  );
  const written = reports.reduce((sum, { lines }) => sum + lines, 0);
  const handedOver = handedOverBatches(mount);
  const facts = `${JSON.stringify(tally)}, written ${written}, handed over ${handedOver}`;
  assert.deepEqual(
    reports.flatMap(({ error }) => (error === undefined ? [] : [error])),
    [],
    'no writer sees an error',
  );
  assert.ok(written > 1000, facts);
  const { lost, repeated, disordered, foreign } = tally;
  const nothing = { lost: 0, repeated: 0, disordered: 0, foreign: 0 };
  assert.deepEqual({ lost, repeated, disordered, foreign }, nothing, facts);
  if (deliver === 'broadcast') assert.deepEqual(tally.missing, [0, 0, 0], facts);
  // A batch is one line here.
  else assert.ok(tally.doubled <= handedOver, facts);
  return facts;
}
