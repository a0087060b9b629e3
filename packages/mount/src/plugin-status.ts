import type { PluginState, PluginStatus } from '@k2hft/plugin';
import type { Amount } from '@k2hft/queue';

/** What `k2hft status` tells of a rule's plugin. */
export interface PluginStatusEntry {
  /** The rule's glob. */
  rule: string;
  command: readonly string[];
  /** One, or one for each path. */
  processes: { state: PluginState; pid: number | undefined }[];
  /** Times that a process was started again after it had ended. */
  restarts: number;
  /** Given to the plugin's pipe since the forwarder was started. */
  fed: { records: number; bytes: number };
  /** Given up since then because the plugin did not keep up. */
  dropped: Amount;
  /** Batches that were damaged in the queue. */
  damaged: number;
  lastError: PluginStatus['lastError'];
}
