import { isDeepStrictEqual } from 'node:util';
import type { Log, RuleSettings } from '@k2hft/config';
import { Poller } from '@k2hft/forwarder';
import { PluginLane, type LaneQueue } from './plugin-lane.js';
import { pluginCursor, pluginRules, type PluginRule } from './plugin-rules.js';
import type { PluginStatusEntry } from './plugin-status.js';
import { compileGlobs } from './rules.js';

export interface PluginLanesOptions {
  /** Opened with the cursors that pluginCursors() gives, and with those of the servers. */
  readonly queue: LaneQueue & {
    noticed(): void;
    addCursor(name: string): void;
    removeCursor(name: string): void;
  };
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
  private lanes: readonly PluginLane[];
  private readonly poller: Poller;
  private findRule: (path: Buffer) => string | undefined;
  private serverCursors: readonly string[];

  constructor(private readonly options: PluginLanesOptions) {
    const { rules, serverCursors } = options;
    this.findRule = ruleFinder(rules);
    this.serverCursors = serverCursors;
    this.lanes = pluginRules(rules).map((rule) => this.makeLane(rule));
    this.poller = new Poller((nowMs) => {
      // Without servers, nobody else looks for what the worker asks.
      this.options.queue.noticed();
      return Math.min(Infinity, ...this.lanes.map((lane) => lane.poll(nowMs)));
    });
  }

  start(): void {
    if (this.lanes.length === 0) return;
    for (const lane of this.lanes) lane.start();
    this.poller.start();
  }

  /**
   * Goes over to other rules: plugins that stay as they are go on, others are ended, and new ones begin with what comes from now on. One
   * whose command changed goes on where the one before has stopped. One call at a time.
   */
  async update(rules: readonly RuleSettings[], serverCursors: readonly string[]): Promise<void> {
    const { queue } = this.options;
    this.findRule = ruleFinder(rules);
    this.serverCursors = serverCursors;
    const wanted = pluginRules(rules);
    const cursors = new Set(wanted.map(pluginCursor));
    const ending = this.lanes.filter((lane) => !wanted.some((rule) => isDeepStrictEqual(lane.rule, rule)));
    this.lanes = this.lanes.filter((lane) => !ending.includes(lane));
    for (const cursor of cursors) queue.addCursor(cursor);
    await Promise.all(ending.map((lane) => lane.stop(END_MS, TERM_MS)));
    for (const { rule } of ending)
      if (!cursors.has(pluginCursor(rule))) queue.removeCursor(pluginCursor(rule));
    const staying = this.lanes;
    const made: PluginLane[] = [];
    this.lanes = wanted.map((rule) => {
      const lane = staying.find((known) => isDeepStrictEqual(known.rule, rule));
      if (lane !== undefined) return lane;
      const added = this.makeLane(rule);
      made.push(added);
      return added;
    });
    for (const lane of made) lane.start();
    if (this.lanes.length > 0) this.poller.start();
    else this.poller.stop();
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

  private makeLane(rule: PluginRule): PluginLane {
    const { queue, log, progress } = this.options;
    return new PluginLane({
      queue,
      rule,
      owns: (path) => this.findRule(path) === rule.path,
      serverCursors: () => this.serverCursors,
      log,
      poke: () => {
        this.poller.poke();
      },
      progress,
    });
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
