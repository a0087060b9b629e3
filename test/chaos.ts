import { join } from 'node:path';
import { sleep, startMount, temporaryFolder, waitUntilDelivered, type Cleanup } from '@k2hft/test-harness';
import { killAtRandom, KeptServer, type Kills } from './killing.js';
import { startWriter, tallyLines, type Tally } from './numbered-lines.js';

export interface ChaosOptions {
  durationMs: number;
  mode: 'overlay' | 'virtual';
  /** The server is away for the whole time and started at the end. */
  serverAway: boolean;
  /** What the mount sends to is a relay, and the server is behind it. */
  relay?: boolean;
}

export interface ChaosResult {
  kills: Kills;
  tally: Tally;
  written: number;
  longestStallMs: number;
  errors: string[];
}

/** Longer than anything that waits for the queue to drain should take, also on a busy machine. */
const DELIVERY_MS = 240_000;

/**
 * Four writers (two with a file each, two that share one) write numbered lines while our processes are killed at
 * random; then everything is left to finish and the aggregated files are held against what was written.
 */
export async function runChaos(cleanup: Cleanup, options: ChaosOptions): Promise<ChaosResult> {
  const folder = temporaryFolder(cleanup);
  const server = await KeptServer.start(cleanup, join(folder, 'server'));
  const relay =
    options.relay === true ? await startRelay(cleanup, join(folder, 'relay'), server.url) : undefined;
  const mount = await startMount(cleanup, {
    folder: join(folder, 'source'),
    urls: [(relay ?? server).url],
    mode: options.mode,
  });
  if (options.serverAway) await server.kill();
  const names = ['alone1.log', 'alone2.log', 'shared.log', 'shared.log'];
  const writers = names.map((name, index) => startWriter(cleanup, join(mount.point, name), `writer${index}`));
  const kills = await killAtRandom(mount, options.serverAway ? undefined : server, options.durationMs, relay);
  const reports = await Promise.all(writers.map((writer) => writer.finish()));
  if (options.serverAway) await server.restart();
  await waitUntilDelivered(mount);
  const files = names.map((name) => join(folder, 'server', 'output', name));
  const deadline = performance.now() + DELIVERY_MS;
  let tally = await tallyLines(files, reports);
  // What the mount has got rid of may still be in the relay's queue.
  while (relay !== undefined && tally.lost > 0 && performance.now() < deadline) {
    await sleep(500);
    tally = await tallyLines(files, reports);
  }
  await mount.stop();
  return {
    kills,
    tally,
    written: reports.reduce((sum, { lines }) => sum + lines, 0),
    longestStallMs: Math.max(...reports.map(({ longestStallMs }) => longestStallMs)),
    errors: reports.flatMap(({ error }) => (error === undefined ? [] : [error])),
  };
}

function startRelay(cleanup: Cleanup, folder: string, url: string): Promise<KeptServer> {
  const relay = { queue: { dir: join(folder, 'queue') }, servers: { urls: [url] } };
  return KeptServer.start(cleanup, folder, { settings: { relay, output: undefined } });
}
