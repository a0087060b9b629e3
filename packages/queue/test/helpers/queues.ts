import type { TestContext } from 'node:test';
import { undoAtEnd } from '@k2hft/test-harness';
import { HotQueue, QueueDrain, type QueueDrainOptions, type QueueOptions } from '../../src/index.js';
import { inspect } from './batches.js';

export const BOOT = '00000000-0000-4000-8000-000000000001';
export const NEXT_BOOT = '00000000-0000-4000-8000-000000000002';

const MIB = 1024 * 1024;

export const SETTINGS: QueueOptions = {
  maxSizeBytes: 256 * MIB,
  minFree: { bytes: 0 },
  checkpointMs: 60_000,
  expireMs: 0,
};

export function openHot(dir: string, settings: Partial<QueueOptions> = {}, bootId = BOOT): HotQueue {
  return HotQueue.open({ dir, settings: { ...SETTINGS, ...settings }, inspect, bootId });
}

export interface NotedFault {
  code: string;
  message: string;
}

export interface TestOptions {
  settings?: Partial<QueueOptions>;
  cursors?: string[];
  bootId?: string;
}

/** What a queue is opened with, with faults that are noted. */
export function openingOptions(
  dir: string,
  faults: NotedFault[],
  options: TestOptions = {},
): QueueDrainOptions {
  return {
    dir,
    settings: { ...SETTINGS, ...options.settings },
    cursors: options.cursors ?? ['a'],
    inspect,
    bootId: options.bootId ?? BOOT,
    onFault: (fault) => faults.push(fault),
  };
}

export interface OpenedDrain {
  readonly drain: QueueDrain;
  readonly faults: NotedFault[];
}

export async function openDrain(dir: string, options?: TestOptions): Promise<OpenedDrain> {
  const faults: NotedFault[] = [];
  return { drain: await QueueDrain.open(openingOptions(dir, faults, options)), faults };
}

/** Both ends in one process, closed when the test ends. */
export async function openBoth(
  context: TestContext,
  dir: string,
  options: Parameters<typeof openDrain>[1] = {},
): Promise<{ hot: HotQueue } & OpenedDrain> {
  const hot = openHot(dir, options.settings, options.bootId);
  const opened = await openDrain(dir, options);
  undoAtEnd(context, async () => {
    await opened.drain.close();
    hot.close();
  });
  return { hot, ...opened };
}
