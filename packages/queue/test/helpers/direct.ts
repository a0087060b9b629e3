import { DirectQueue, type QueueOptions } from '../../src/index.js';
import { inspect, makeBatch } from './batches.js';
import { BOOT, SETTINGS } from './queues.js';

export interface OpenedDirect {
  readonly queue: DirectQueue;
  readonly faults: { code: string; message: string }[];
}

export async function openDirect(
  dir: string,
  options: { settings?: Partial<QueueOptions>; cursors?: string[]; bootId?: string } = {},
): Promise<OpenedDirect> {
  const faults: { code: string; message: string }[] = [];
  const queue = await DirectQueue.open({
    dir,
    settings: { ...SETTINGS, ...options.settings },
    cursors: options.cursors ?? ['a'],
    inspect,
    bootId: options.bootId ?? BOOT,
    onFault: (fault) => faults.push(fault),
  });
  return { queue, faults };
}

export async function appendSome(
  queue: DirectQueue,
  count: number,
  rows: ReadonlyMap<string, Buffer> = new Map(),
  payloadBytes = 100,
): Promise<void> {
  const first = queue.nextSequence();
  const batches = Array.from({ length: count }, (_, index) => {
    const sequence = first + index;
    return { sequence, bytes: makeBatch({ sequence, payloadBytes }) };
  });
  await queue.append(batches, rows);
}

export function sequencesOf(found: readonly { position: { sequence: number } }[]): number[] {
  return found.map(({ position }) => position.sequence);
}
