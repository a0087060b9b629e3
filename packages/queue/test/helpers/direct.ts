import { DirectQueue } from '../../src/index.js';
import { makeBatch } from './batches.js';
import { openingOptions, type NotedFault, type TestOptions } from './queues.js';

export interface OpenedDirect {
  readonly queue: DirectQueue;
  readonly faults: NotedFault[];
}

export async function openDirect(dir: string, options?: TestOptions): Promise<OpenedDirect> {
  const faults: NotedFault[] = [];
  return { queue: await DirectQueue.open(openingOptions(dir, faults, options)), faults };
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
