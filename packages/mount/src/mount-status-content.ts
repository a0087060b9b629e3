import type { ServerStatus } from '@k2hft/forwarder';
import type { PluginStatusEntry } from './plugin-status.js';
import type { QueueSummary } from './queue-summary.js';
import type { WorkerReportContent } from './worker-report.js';

/** What a running mount tells of itself. */
export interface MountStatus {
  /** When this was told, in milliseconds since 1970. */
  atMs: number;
  mountPoint: string;
  mode: string;
  host: string;
  source: string;
  software: string;
  queue: QueueSummary;
  servers: ServerStatus[];
  /** Batches that may be on two servers, because the first went away before it acknowledged them. */
  handedOver: number;
  /** Batches that were damaged in the queue and given up. */
  damaged: number;
  plugins: PluginStatusEntry[];
  worker: WorkerReportContent | undefined;
  processes: { supervisor: number; worker: number | undefined; forwarder: number };
  /** How often each was started again since the mount began. */
  restarts: { worker: number; forwarder: number };
  /** How long ago the mount has answered a look-up, in milliseconds. */
  answeredAgoMs: number;
}
