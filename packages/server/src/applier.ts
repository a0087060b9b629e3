import type { Batch } from '@k2hft/wire';
import { Blockage, type BlockageCause } from './blockage.js';
import { GapBudget } from './gap-budget.js';
import { Gate } from './gate.js';
import type { Group } from './group.js';
import { GroupSaver } from './group-saver.js';
import { Output } from './output.js';
import { OutputBlocked } from './output-file.js';
import type { OutputRules } from './output-rules.js';
import type { OutputTree } from './output-tree.js';
import type { Log } from '@k2hft/config';
import type { Receiver } from './receiver.js';
import { Repeats } from './repeats.js';
import type { Position } from './positions.js';
import type { Sink } from './sink.js';
import { SinkList } from './sink-list.js';
import { ServerCounters } from './server-counters.js';
import { Source } from './source.js';
import type { State } from './state.js';
import { StateWriter } from './state-writer.js';
import { UnderWay } from './under-way.js';

/** How often a full disk is tried again. */
const RETRY_MS = 1000;

export interface ApplierOptions {
  /** Undefined: there are sinks only. */
  output: { tree: OutputTree; rules: OutputRules } | undefined;
  sinks: readonly Sink[];
  state: State;
  /** Directory whose file system holds the state. */
  stateDirectory: string;
  log: Log;
  /** Where it counts what it does; its own when absent. */
  counters?: ServerCounters;
  /** Whether more may be read from the sources. */
  gate: (open: boolean) => void;
  /** Nothing is acknowledged any more, for this reason; undefined: it goes on. */
  blocked: (reason: string | undefined) => void;
  /** It cannot go on: nothing more is acknowledged by this applier. */
  fault: (error: unknown) => void;
}

/**
 * Exactly once into the files. A batch that was not seen before is appended at once; batches are made safe in groups (see
 * {@link GroupSaver}), and only then acknowledged: what the state calls applied is in each sink.
 *
 * ```
 *   taken ──append──▶ gathered ──close──▶ on its way ──commit──▶ acknowledged
 *     └─ waits: for its file's record, for room, for a free slot among the open files
 * ```
 */
export class Applier {
  readonly #options: ApplierOptions;
  readonly #counters: ServerCounters;
  #rules: OutputRules | undefined;
  /** The files; undefined when there are sinks only. */
  readonly #output: Output | undefined;
  readonly #sinks: SinkList;
  readonly #blockage: Blockage;
  readonly #writer: StateWriter;
  readonly #sources = new Map<string, Source>();
  readonly #gaps = new GapBudget();
  readonly #repeats = new Repeats();
  readonly #saver: GroupSaver;
  #retryTimer: NodeJS.Timeout | undefined;
  readonly #gate: Gate;
  #isFinishing = false;
  #isClosed = false;
  #idleWaiters: (() => void)[] = [];
  /** Commits and syncs. */
  readonly #underWay = new UnderWay();

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#counters = options.counters ?? new ServerCounters();
    this.#rules = options.output?.rules;
    this.#blockage = new Blockage((reason) => {
      this.#blockageChanged(reason);
    });
    this.#writer = new StateWriter(options.state, options.stateDirectory, this.#blockage, (seconds) => {
      this.#counters.commitSeconds.add(seconds);
    });
    this.#sinks = new SinkList(options.sinks, this.#blockage);
    this.#gate = new Gate({
      isShut: () => this.#blockage.reason !== undefined || this.#isFinishing,
      sinkBytes: () => this.#sinks.waitingBytes,
      changed: options.gate,
    });
    this.#saver = this.#makeSaver();
    this.#output = options.output && this.#openOutput(options.output);
  }

  #makeSaver(): GroupSaver {
    return new GroupSaver({
      log: this.#options.log,
      counters: this.#counters,
      sinks: this.#sinks,
      writer: this.#writer,
      underWay: this.#underWay,
      fsync: () => this.#rules?.fsync,
      isFinishing: () => this.#isFinishing,
      idle: () => {
        this.#becameIdle();
      },
      saved: (group) => {
        this.#saved(group);
      },
      fault: (error) => {
        this.#fault(error);
      },
    });
  }

  #openOutput({ tree, rules }: { tree: OutputTree; rules: OutputRules }): Output {
    const { state, log } = this.#options;
    return new Output({
      tree,
      state,
      rules,
      log,
      counters: this.#counters,
      commit: (changes) => this.#underWay.track(this.#writer.commit(() => changes)),
      appended: (file, batches, isChanged) => {
        this.#saver.addAppended(file, batches, isChanged);
      },
      hurry: () => {
        this.#saver.hurry();
      },
      ready: () => {
        this.flush();
      },
      fault: (error) => {
        this.#fault(error);
      },
    });
  }

  /** Why nothing is acknowledged; undefined when it is. */
  get blockedReason(): string | undefined {
    return this.#blockage.reason;
  }

  /** What keeps it from acknowledging, by cause. */
  get blockedCauses(): ReadonlySet<BlockageCause> {
    return this.#blockage.causes;
  }

  /** Sources that are connected, or whose batches are not safe yet. */
  get sourceCount(): number {
    return this.#sources.size;
  }

  connectionsOf(uuid: string): number {
    return this.#sources.get(uuid)?.connectionCount ?? 0;
  }

  /** Output files that are open.  */
  get openFileCount(): number {
    return this.#output?.openFileCount ?? 0;
  }

  /** How long the group that is being made safe has been on its way; undefined when there is none. */
  get savingMs(): number | undefined {
    return this.#saver.savingMs;
  }

  /** Received, and not safe yet. */
  get unsafeBytes(): number {
    return this.#gate.unsafeBytes;
  }

  /**
   * A connection of that source begins; `leave` when it ends. Throws ServerError for one that is refused.
   *
   * @param host what the source says that its host is called
   */
  join(uuid: string, host = ''): Source {
    this.#sinks.admitSource(uuid);
    let source = this.#sources.get(uuid);
    if (source === undefined) {
      const applied = this.#options.state.applied(uuid);
      source = new Source(uuid, applied, this.#counters.ofSource(uuid, host), this.#gaps);
      this.#sources.set(uuid, source);
    }
    source.connectionCount++;
    return source;
  }

  leave(source: Source): void {
    source.connectionCount--;
    this.#forgetIfUnused(source);
  }

  /** Nothing below this position comes again from that source. */
  raiseFloor(source: Source, floor: Position): void {
    source.raiseFloor(floor.epoch, floor.sequence);
    this.#sinks.raiseFloor(source.uuid, floor);
  }

  /**
   * Takes one batch; `flush` must follow in the same turn of the event loop. Throws ServerError for one that is
   * refused: nothing of it is taken then.
   */
  accept(receiver: Receiver, batch: Batch): void {
    const { source } = receiver;
    if (source.taken.has(batch)) {
      if (source.counters !== undefined) this.#counters.repeated(source.counters);
      this.#repeats.add(receiver, batch);
      return;
    }
    this.#sinks.admit(batch);
    source.take(batch);
    if (source.counters !== undefined) this.#counters.received(source.counters, batch);
    source.unsafeCount++;
    this.#gate.unsafeBytes += batch.totalBytes;
    this.#sinks.take(batch, source.uuid);
    // One stream, whichever relays its batches have come through.
    const stream = `${batch.route?.origin ?? source.uuid}/${batch.stream}`;
    if (this.#output?.needs(batch, stream) === true) this.#output.accept({ receiver, batch, stream });
    else this.#saver.addBatch(receiver, batch);
  }

  /** Appends what was accepted, as far as that is possible now. */
  flush(): void {
    if (this.#isClosed) return;
    if (!this.#blockage.has('output')) this.#advance();
    this.#repeats.acknowledge();
    this.#gate.update();
    this.#saver.schedule();
  }

  /** Output files are opened anew, so that those that were renamed are followed by new ones; `rules` hold from now on. */
  reopen(rules: OutputRules | undefined): void {
    if (this.#output !== undefined && rules !== undefined) {
      this.#rules = rules;
      this.#output.reopen(rules);
    }
    this.flush();
  }

  /** Resolves when everything that can be made safe has been made safe and acknowledged. */
  finish(): Promise<void> {
    this.#isFinishing = true;
    if (this.#isClosed || this.#blockage.has('state') || this.#blockage.has('sink')) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.flush();
    });
  }

  /**
   * Stops; what is not committed is as if it had never come. Resolves when nothing of this applier touches the files and
   * the state any more, so that another one may begin.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#writer.stop();
    this.#sinks.stop();
    this.#saver.stop();
    clearTimeout(this.#retryTimer);
    this.#gate.stop();
    await this.#underWay.settled();
    await this.#output?.close();
  }

  #advance(): void {
    try {
      this.#output?.advance();
      this.#blockage.clear('output');
    } catch (error) {
      if (!(error instanceof OutputBlocked)) {
        this.#fault(error);
        return;
      }
      this.#blockage.raise(
        'output',
        `cannot write to ${this.#options.output?.tree.directory ?? ''}: ${error.message}`,
      );
      this.#retryTimer = setTimeout(() => {
        this.#advance();
        this.flush();
      }, RETRY_MS);
    }
  }

  /** Nothing is gathered, and no group is on its way. */
  #becameIdle(): void {
    if (this.#output?.isWaiting === true && this.#blockage.reason === undefined) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #saved(group: Group): void {
    group.release();
    for (const source of group.sources().keys()) this.#forgetIfUnused(source);
    this.#gate.unsafeBytes -= group.bytes;
    this.#repeats.committed();
    if (this.#isClosed) return;
    this.#output?.closeStale();
    this.flush();
  }

  #blockageChanged(reason: string | undefined): void {
    const { log, blocked } = this.#options;
    if (reason === undefined) {
      log('warn', 'nothing is in the way any more: going on');
    } else {
      log(
        'error',
        `${reason}; nothing more is taken and acknowledged while that is so; it is tried again and again`,
      );
    }
    blocked(reason);
    this.#gate.update();
    if (reason !== undefined && this.#isFinishing) this.#becameIdle();
  }

  #forgetIfUnused(source: Source): void {
    if (source.connectionCount > 0 || source.unsafeCount > 0 || !this.#sources.delete(source.uuid)) return;
    source.forget();
  }

  #fault(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#writer.stop();
    this.#sinks.stop();
    this.#saver.stop();
    this.#options.fault(error);
  }
}
