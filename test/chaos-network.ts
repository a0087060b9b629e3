import { join } from 'node:path';
import { sendSignal, sleep, temporaryFolder, waitUntilDelivered, type Cleanup } from '@k2hft/test-harness';
import { childNamed } from './killing.js';
import { startWriter } from './numbered-lines.js';
import { tallyServers, type ServersTally } from './servers-tally.js';
import { handedOverBatches, mountFor, startPlace, type Deliver, type Place } from './three-servers.js';

export interface NetworkChaosOptions {
  durationMs: number;
  mode: 'overlay' | 'virtual';
  deliver: Deliver;
  /** From 2 to 8. */
  servers: number;
}

/** How often what was done to whom. */
interface Faults {
  worker: number;
  forwarder: number;
  server: number;
  freezes: number;
  cuts: number;
}

export interface NetworkChaosResult {
  faults: Faults;
  tally: ServersTally;
  written: number;
  /** Batches that may be on two servers, as the forwarder counted them. */
  handedOver: number;
  longestStallMs: number;
  errors: string[];
}

const FILES = ['alone1.log', 'alone2.log', 'alone3.log', 'alone4.log', 'shared.log', 'shared.log'];

/** What is frozen or cut off for longer than 15 s is found by its silence; most are back before. */
const FAULT_MS_MIN = 300;
const FAULT_MS_MAX = 20_000;

/**
 * Writers write numbered lines while our processes are killed at random, and servers are killed, frozen and cut off,
 * several at a time; then everything is left to finish and the servers' files are held against what was written.
 */
export async function runNetworkChaos(
  cleanup: Cleanup,
  options: NetworkChaosOptions,
): Promise<NetworkChaosResult> {
  const folder = temporaryFolder(cleanup);
  const places = await Promise.all(
    Array.from({ length: options.servers }, (_, index) =>
      startPlace(cleanup, join(folder, `server${index}`)),
    ),
  );
  const { deliver, mode, durationMs } = options;
  const mount = await mountFor(cleanup, join(folder, 'source'), places, deliver, { mode });
  const writers = FILES.map((name, index) => startWriter(cleanup, join(mount.point, name), `writer${index}`));
  const faults = await troubleAtRandom(mount.process.pid, places, durationMs);
  const reports = await Promise.all(writers.map((writer) => writer.finish()));
  await waitUntilDelivered(mount);
  await mount.stop();
  return {
    faults,
    tally: await tallyServers(
      places.map(({ output }) => output),
      reports,
    ),
    written: reports.reduce((sum, { lines }) => sum + lines, 0),
    handedOver: handedOverBatches(mount),
    longestStallMs: Math.max(...reports.map(({ longestStallMs }) => longestStallMs)),
    errors: reports.flatMap(({ error }) => (error === undefined ? [] : [error])),
  };
}

/** Every 0.3 to 1 s something happens, until the time is over; at the end all servers are well again. */
async function troubleAtRandom(
  supervisorPid: number,
  places: readonly Place[],
  durationMs: number,
): Promise<Faults> {
  const faults: Faults = { worker: 0, forwarder: 0, server: 0, freezes: 0, cuts: 0 };
  const sick = new Map<Place, Promise<void>>();
  const deadline = performance.now() + durationMs;
  while (performance.now() < deadline) {
    await sleep(300 + Math.random() * 700);
    const victim = anyOf<'worker' | 'forwarder' | Place>(['worker', 'forwarder', ...places]);
    if (typeof victim === 'object') {
      if (!sick.has(victim))
        sick.set(
          victim,
          trouble(victim, faults).finally(() => sick.delete(victim)),
        );
      continue;
    }
    const pid = victim === undefined ? undefined : childNamed(supervisorPid, victim);
    if (victim === undefined || pid === undefined) continue;
    sendSignal(pid, 'SIGKILL');
    faults[victim]++;
  }
  await Promise.all(sick.values());
  return faults;
}

async function trouble({ server, road }: Place, faults: Faults): Promise<void> {
  const kind = anyOf(['server', 'freezes', 'cuts'] as const) ?? 'server';
  // Short ones are as likely as long ones, whatever the scale.
  const lastsMs = FAULT_MS_MIN * (FAULT_MS_MAX / FAULT_MS_MIN) ** Math.random();
  faults[kind]++;
  if (kind === 'server') {
    await server.kill();
    await sleep(lastsMs);
    await server.restart();
  } else if (kind === 'freezes') {
    await server.freeze();
    await sleep(lastsMs);
    server.thaw();
  } else {
    road.cut();
    await sleep(lastsMs);
    road.mend();
  }
}

function anyOf<T>(choices: readonly T[]): T | undefined {
  return choices[Math.floor(Math.random() * choices.length)];
}
