import type { Log, RuleSettings } from '@k2hft/config';
import { Poller } from '@k2hft/forwarder';
import { PluginLane, type LaneQueue } from './plugin-lane.js';
import { pluginCursor, pluginRules } from './plugin-rules.js';
import type { PluginStatusEntry } from './plugin-status.js';
import { compileGlobs } from './rules.js';

export interface PluginLanesOptions {
  /** Opened with the cursors that pluginCursors() gives, and with those of the servers. */
  readonly queue: LaneQueue & { noticed(): void };
  readonly rules: readonly RuleSettings[];
  readonly serverCursors: readonly string[];
  readonly log: Log;
  /** Called after acknowledgements. */
  readonly progress: () => void;
}

/** Of the time to end, so much is for closing the plugins' inputs and waiting for their ends. */
const END_MS = 5_000;
/** Time that plugins which do not end by themselves have after SIGTERM. */
const TERM_MS = 1_000;
/** With no time at all, plugins still get this. */
const END_MS_MIN = 1_000;

const DONE_POLL_MS = 20;

export function pluginCursors(rules: readonly RuleSettings[]): string[] {
  return pluginRules(rules).map(pluginCursor);
}

/** The plugins of all rules. */
export class PluginLanes {
  private readonly lanes: readonly PluginLane[];
  private readonly poller: Poller;

  constructor(options: PluginLanesOptions) {
    const { queue, rules, serverCursors, log, progress } = options;
    const poke = () => {
      this.poller.poke();
    };
    const findRule = ruleFinder(rules);
    this.lanes = pluginRules(rules).map(
      (rule) =>
        new PluginLane({
          queue,
          rule,
          owns: (path) => findRule(path) === rule.path,
          serverCursors,
          log,
          poke,
          progress,
        }),
    );
    this.poller = new Poller((nowMs) => {
      // Without servers, nobody else looks for what the worker asks.
      queue.noticed();
      return Math.min(Infinity, ...this.lanes.map((lane) => lane.poll(nowMs)));
    });
  }

  start(): void {
    if (this.lanes.length === 0) return;
    for (const lane of this.lanes) lane.start();
    this.poller.start();
  }

  /** The worker has woken us. */
  noticed(): void {
    if (this.lanes.length > 0) this.poller.noticed();
  }

  status(): PluginStatusEntry[] {
    return this.lanes.map((lane) => lane.status());
  }

  /** Gives the plugins what is in the queue, and ends them. Takes a second longer than `graceMs` at most. */
  async stop(graceMs: number): Promise<void> {
    if (this.lanes.length === 0) return;
    const startedMs = performance.now();
    const feedUntilMs = startedMs + Math.max(0, graceMs - END_MS);
    this.poller.poke();
    while (performance.now() < feedUntilMs && this.lanes.some((lane) => !lane.isDone)) {
      await new Promise((resolve) => setTimeout(resolve, DONE_POLL_MS));
    }
    this.poller.stop();
    const leftMs = startedMs + graceMs - performance.now();
    const endMs = Math.max(END_MS_MIN, Math.min(END_MS, leftMs));
    await Promise.all(this.lanes.map((lane) => lane.stop(endMs, TERM_MS)));
  }
}

/** The glob of the first rule that matches a path. Batches of one stream share one Buffer: it is looked up once. */
function ruleFinder(rules: readonly RuleSettings[]): (path: Buffer) => string | undefined {
  const find = compileGlobs(rules);
  const known = new WeakMap<Buffer, { glob: string | undefined }>();
  return (path) => {
    let found = known.get(path);
    if (found === undefined) {
      found = { glob: find(path.toString('latin1'))?.path };
      known.set(path, found);
    }
    return found.glob;
  };
}
