import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  startMount,
  startProcess,
  temporaryFolder,
  type Cleanup,
  type RunningMount,
} from '@k2hft/test-harness';
import { KeptServer } from './killing.js';
import type { WriterReport } from './numbered-writer.js';
import { serverBehindRoad, type Road } from './roads.js';
import { mountSmallDisk } from './small-disk.js';

export type Deliver = 'failover' | 'random' | 'hash' | 'broadcast';

export const DELIVERIES: readonly Deliver[] = ['failover', 'random', 'hash', 'broadcast'];

/** Shorter than the default, so that a test sees it happen more often. */
const FAILOVER_AFTER = '2s';

const WRITER = fileURLToPath(new URL('./stream-writer.js', import.meta.url));

/** One of three servers, with what can happen to it. */
export interface Place {
  readonly server: KeptServer;
  readonly road: Road;
  readonly output: string;
  /** A small file system that holds the output; undefined where it is not small. */
  readonly disk: string | undefined;
}

export interface ThreeServers {
  /** The first has a road that can be cut and a disk that can be filled, the second a road that can be slow. */
  readonly places: readonly [Place, Place, Place];
  readonly mount: RunningMount;
}

export async function startThreeServers(
  cleanup: Cleanup,
  deliver: Deliver,
  options: { queue?: Record<string, unknown>; diskMiB?: number } = {},
): Promise<ThreeServers> {
  const folder = temporaryFolder(cleanup);
  const disk = options.diskMiB === undefined ? undefined : join(folder, 'disk');
  if (disk !== undefined) mountSmallDisk(cleanup, disk, options.diskMiB ?? 0);
  const places: ThreeServers['places'] = await Promise.all([
    startPlace(cleanup, join(folder, 'first'), { disk }),
    startPlace(cleanup, join(folder, 'second'), { mustSlow: true }),
    startPlace(cleanup, join(folder, 'third')),
  ]);
  const queue = options.queue ?? {};
  return { places, mount: await mountFor(cleanup, join(folder, 'source'), places, deliver, { queue }) };
}

export async function startPlace(
  cleanup: Cleanup,
  folder: string,
  { mustSlow = false, disk }: { mustSlow?: boolean; disk?: string | undefined } = {},
): Promise<Place> {
  const output = join(disk ?? folder, 'output');
  const settings = { output: { dir: output } };
  const { server, road } = await serverBehindRoad(cleanup, folder, settings, mustSlow);
  return { server, road, output, disk };
}

/** A mount that sends to all of these servers. */
export function mountFor(
  cleanup: Cleanup,
  folder: string,
  places: readonly Place[],
  deliver: Deliver,
  settings: Omit<Parameters<typeof startMount>[1], 'folder' | 'urls' | 'servers'> = {},
): Promise<RunningMount> {
  const urls = places.map(({ road }) => road.url);
  const servers = { deliver, failover_after: FAILOVER_AFTER };
  return startMount(cleanup, { folder, urls, servers, ...settings });
}

/** Starts a program that writes lines into `count` files; `finish` ends it. */
export function startStreams(
  cleanup: Cleanup,
  mount: RunningMount,
  count: number,
  pauseMs: number,
): { finish(): Promise<WriterReport[]> } {
  const started = startProcess(
    cleanup,
    process.execPath,
    [WRITER, mount.point, String(count), String(pauseMs)],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  return {
    async finish() {
      started.child.stdin?.end();
      await started.ended;
      return JSON.parse(started.output()) as WriterReport[];
    },
  };
}

/** Batches that may be on two servers, by what the forwarder has logged: that survives its being killed. */
export function handedOverBatches(mount: RunningMount): number {
  const pattern = /: (\d+) batches that it may have already go to/g;
  return [...mount.process.output().matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}
