export { type Position, POSITION_ZERO, comparePositions } from './position.js';
export { QueueError, type QueueErrorCode } from './errors.js';
export type { BatchFacts, Fault, InspectBatch, QueueOptions } from './settings.js';
export type { Amount, Losses } from './counters.js';
export { FLAG_DURABLE_FIRST, VALUE_BYTES_MAX } from './limits.js';
export {
  HotQueue,
  type HotCounters,
  type HotQueueOptions,
  type NewBatch,
  type RowChanges,
} from './hot-queue.js';
export { REST_PREFIX, type DurableRest } from './durable-rests.js';
export { QueueDrain, type QueueDrainOptions } from './queue-drain.js';
export { DirectQueue, type DirectQueueOptions } from './direct-queue.js';
export type { DrainStatistics } from './drain-statistics.js';
export type { QueuedBatch } from './batch-reader.js';
export type { CursorStatistics } from './pending.js';
export { endProcess, underWay } from './process-end.js';
export { makeWakeFifo, Waker, WakeListener } from './wake.js';
export { lockQueue, queueOwner, type QueueLock, type QueueOwner } from './lock.js';
export { dropQueue } from './drop-queue.js';
export { dumpQueue, listQueue, verifyQueue, type QueueListing, type VerifiedQueue } from './tools.js';
