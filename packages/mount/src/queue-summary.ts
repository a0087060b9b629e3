import type { DrainStatistics } from '@k2hft/queue';

/** What status shows of the queue: as much as the destination that is furthest behind still needs. */
export interface QueueSummary {
  batches: number;
  records: number;
  bytes: number;
  /** Age of the oldest batch; undefined when there is none. */
  oldestMs: number | undefined;
  hotBytes: number;
  storeBytes: number;
  /** What each destination has still to get; `oldestMs` there is since 1970. */
  cursors: DrainStatistics['cursors'];
  /** What was given up, by reason. */
  lost: DrainStatistics['lost'];
}

export function summarizeQueue(statistics: DrainStatistics, nowMs: number): QueueSummary {
  const { hotBytes, storeBytes, cursors, lost } = statistics;
  const summary: QueueSummary = {
    batches: 0,
    records: 0,
    bytes: 0,
    oldestMs: undefined,
    hotBytes,
    storeBytes,
    cursors,
    lost,
  };
  // Of each destination, when its oldest batch was written, in milliseconds since 1970.
  for (const { batches, records, bytes, oldestMs: writtenMs } of Object.values(cursors)) {
    summary.batches = Math.max(summary.batches, batches);
    summary.records = Math.max(summary.records, records);
    summary.bytes = Math.max(summary.bytes, bytes);
    if (writtenMs !== undefined) summary.oldestMs = Math.max(summary.oldestMs ?? 0, nowMs - writtenMs);
  }
  return summary;
}
