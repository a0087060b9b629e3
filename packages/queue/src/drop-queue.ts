import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { addAmounts, type Amount } from './counters.js';
import { DirectQueue } from './direct-queue.js';
import { stateFolder } from './durable-rests.js';
import { hotFolder, lostHots } from './hot-folder.js';
import { lockQueue } from './lock.js';
import type { InspectBatch, QueueOptions } from './settings.js';
import { storeFolder } from './store-folder.js';
import { carriesLedger, listQueue, requireQueue } from './tools.js';

/**
 * Throws away everything that waits. The identity stays, and with it the epoch: what comes next gets a new one, so
 * that its numbers are new to the servers. So does a ledger: it says what was taken in, and that stays true. Needs
 * the queue for itself: throws QueueError `locked`.
 */
export async function dropQueue(directory: string, inspect: InspectBatch): Promise<Amount> {
  requireQueue(directory);
  const lock = await lockQueue(directory, 'k2hft queue drop');
  try {
    const { hot, store } = listQueue(directory, inspect);
    if (carriesLedger(directory)) await dropBatches(directory, inspect);
    else dropEverything(directory);
    const { batches, records, bytes } = addAmounts(hot, store);
    return { batches, records, bytes };
  } finally {
    await lock.release();
  }
}

/** Nothing is appended with them. */
const SETTINGS: QueueOptions = { maxSizeBytes: 0, minFree: { bytes: 0 }, checkpointMs: 0, expireMs: 0 };

/** Without a destination a queue keeps nothing but its ledger. */
async function dropBatches(directory: string, inspect: InspectBatch): Promise<void> {
  const onFault = () => undefined;
  const queue = await DirectQueue.open({ dir: directory, settings: SETTINGS, cursors: [], inspect, onFault });
  queue.noticed();
  await queue.checkpoint();
  await queue.close();
}

/** Hot first, and the state last: whatever is left by a kill is whole, and can be dropped again. */
function dropEverything(directory: string): void {
  for (const { folder } of lostHots(directory)) rmSync(folder, { recursive: true, force: true });
  rmSync(hotFolder(directory), { recursive: true, force: true });
  rmSync(storeFolder(directory), { recursive: true, force: true });
  rmSync(stateFolder(directory), { recursive: true, force: true });
  rmSync(join(directory, 'state', 'told'), { force: true });
}
