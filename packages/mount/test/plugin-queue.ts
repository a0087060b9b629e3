import { loadMountSettings, type RuleSettings } from '@k2hft/config';
import { HotQueue, QueueDrain, type QueueOptions } from '@k2hft/queue';
import { undoAtEnd, type Cleanup } from '@k2hft/test-harness';
import { BATCH_PREFIX_BYTES, encodeAttributes, inspectBatch, writeBatchHeader } from '@k2hft/wire';
import { pluginCursors, PluginLanes } from '../src/plugin-lanes.js';

const SETTINGS: QueueOptions = {
  maxSizeBytes: 1024 ** 3,
  minFree: { bytes: 1 },
  whenFull: 'block',
  maxWaitMs: 0,
  expireMs: 0,
  checkpointMs: 100,
} as QueueOptions;

const BOOT = '11111111-2222-3333-4444-555555555555';

/** A rule as the configuration would give it. */
export function ruleOf(given: Partial<RuleSettings> & Pick<RuleSettings, 'path'>): RuleSettings {
  const json = JSON.stringify({ servers: { urls: ['ws://h:1'] }, rules: [{ path: given.path }] });
  const [rule] = loadMountSettings({ json, env: {} }).rules;
  if (rule === undefined) throw new Error('there is no rule');
  return { ...rule, ...given };
}

/** The same queue; `meanwhile` is called before it limits a cursor. */
function interruptible(drain: QueueDrain, meanwhile: () => void): QueueDrain {
  const limit = drain.limitCursor.bind(drain);
  drain.limitCursor = (...args) => {
    meanwhile();
    return limit(...args);
  };
  return drain;
}

/** The worker's end of a real queue, and what the forwarder's process has of plugins. */
export class PluginQueue {
  log: string[] = [];
  /** Called when it is about to be looked whether a plugin is too far behind: the worker is a process of its own. */
  beforeLimit: (() => void) | undefined;
  private constructor(
    private readonly dir: string,
    private readonly rules: RuleSettings[],
    private readonly serverCursors: string[],
    private readonly hot: HotQueue,
    readonly drain: QueueDrain,
    readonly lanes: PluginLanes,
    private readonly abandon: () => Promise<void>,
  ) {}

  static async open(
    cleanup: Cleanup,
    dir: string,
    rules: RuleSettings[],
    serverCursors: string[] = [],
    worker?: HotQueue,
  ): Promise<PluginQueue> {
    const hot = worker ?? HotQueue.open({ dir, settings: SETTINGS, inspect: inspectBatch, bootId: BOOT });
    const drain = await QueueDrain.open({
      dir,
      settings: SETTINGS,
      cursors: [...serverCursors, ...pluginCursors(rules)],
      inspect: inspectBatch,
      bootId: BOOT,
      onFault: () => undefined,
    });
    const lines: string[] = [];
    const lanes = new PluginLanes({
      queue: interruptible(drain, () => {
        queue.beforeLimit?.();
      }),
      rules,
      serverCursors,
      log: (level, message) => lines.push(`${level}: ${message}`),
      progress: () => undefined,
    });
    let isGone = false;
    const abandon = async () => {
      if (isGone) return;
      isGone = true;
      await drain.abandon();
      await lanes.stop(0);
    };
    undoAtEnd(cleanup, abandon);
    const queue = new PluginQueue(dir, rules, serverCursors, hot, drain, lanes, abandon);
    queue.log = lines;
    lanes.start();
    return queue;
  }

  /** Appends one batch. */
  append(path: string, text: string | Buffer, flags = 0, stream = 1, isDamaged = false): void {
    const attributes = encodeAttributes({ path: Buffer.from(path), host: 'test' });
    const payload = Buffer.from(text);
    const start = BATCH_PREFIX_BYTES + attributes.length;
    const bytes = Buffer.alloc(start + payload.length);
    payload.copy(bytes, start);
    const sequence = this.hot.nextSequence();
    const recordCount = Math.max(1, payload.toString('latin1').split('\n').length - 1);
    writeBatchHeader(
      bytes,
      start,
      bytes.length,
      {
        epoch: this.hot.epoch,
        sequence,
        stream,
        flags,
        recordCount,
        timeSeconds: 1,
        timeNanos: 0,
        pid: 1,
        uid: 0,
        gid: 0,
      },
      attributes,
    );
    if (isDamaged) bytes[bytes.length - 1] = 0;
    this.hot.append([{ sequence, bytes }]);
    this.lanes.noticed();
  }

  appendDamaged(path: string, text: string): void {
    this.append(path, text, 0, 1, true);
  }

  /** As if the forwarder had been killed, and another one started. */
  async killForwarder(cleanup: Cleanup): Promise<PluginQueue> {
    await this.abandon();
    return PluginQueue.open(cleanup, this.dir, this.rules, this.serverCursors, this.hot);
  }

  pending(cursor: string): { batches: number; bytes: number } {
    const { cursors } = this.drain.statistics();
    return cursors[cursor] ?? { batches: -1, bytes: -1 };
  }
}
