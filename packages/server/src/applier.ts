import type { Batch } from '@k2hft/wire';
import { Blockage, type BlockageCause } from './blockage.js';
import { GapBudget } from './gap-budget.js';
import { Gate } from './gate.js';
import { Group } from './group.js';
import { Output } from './output.js';
import { OutputBlocked, type OutputFile } from './output-file.js';
import type { OutputRules } from './output-rules.js';
import type { OutputTree } from './output-tree.js';
import { printableName, type Log } from '@k2hft/config';
import type { Receiver, TakenBatch } from './receiver.js';
import { Repeats } from './repeats.js';
import type { Position } from './positions.js';
import type { Sink } from './sink.js';
import { SinkList } from './sink-list.js';
import { ServerCounters } from './server-counters.js';
import { Source } from './source.js';
import type { State } from './state.js';
import { StateWriter } from './state-writer.js';
import { syncAll } from './sync-files.js';

/** A group is closed at this size even when its time is not up: one fdatasync of so much takes about as long as the usual wait. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

/** How often a full disk is tried again. */
const RETRY_MS = 1000;

/** Groups are gathered this long when there are no output files whose setting says it: as long as theirs by default. */
const SINK_GATHER_MS = 50;

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
 * Exactly once into the files. A batch that was not seen before is appended at once; batches are gathered into groups;
 * a group is made safe by fdatasync, by the sinks, and by one transaction that holds its positions and its files' lengths,
 * and only then acknowledged: what the state calls applied is in each sink. While one group is on its way, the next
 * one is gathered.
 *
 * ```
 *   taken ──append──▶ gathered (this.#group) ──close──▶ on its way (this.#isSaving) ──commit──▶ acknowledged
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
  #group = new Group();
  #isSaving = false;
  #savingSinceMs = 0;
  #isHurried = false;
  #timer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  readonly #gate: Gate;
  #isFinishing = false;
  #isClosed = false;
  #idleWaiters: (() => void)[] = [];
  /** Commits and syncs under way. */
  readonly #running = new Set<Promise<unknown>>();
  readonly #warned = new Set<string>();

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
    this.#output = options.output && this.#openOutput(options.output);
  }

  #openOutput({ tree, rules }: { tree: OutputTree; rules: OutputRules }): Output {
    const { state, log } = this.#options;
    return new Output({
      tree,
      state,
      rules,
      log,
      counters: this.#counters,
      commit: (changes) => this.#track(this.#writer.commit(() => changes)),
      appended: (file, batches, isChanged) => {
        this.#gather(file, batches, isChanged);
      },
      hurry: () => {
        this.#isHurried = true;
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
    return this.#isSaving ? performance.now() - this.#savingSinceMs : undefined;
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
    else this.#group.addBatch(receiver, batch, batch.totalBytes);
  }

  /** Appends what was accepted, as far as that is possible now. */
  flush(): void {
    if (this.#isClosed) return;
    if (!this.#blockage.has('output')) this.#advance();
    this.#repeats.acknowledge();
    this.#gate.update();
    this.#schedule();
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
    clearTimeout(this.#timer);
    clearTimeout(this.#retryTimer);
    this.#gate.stop();
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
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

  #gather(file: OutputFile, batches: readonly TakenBatch[], isChanged: boolean): void {
    if (isChanged) this.#group.addFile(file);
    for (const { receiver, batch } of batches) this.#group.addBatch(receiver, batch, batch.totalBytes);
  }

  /** Closes the gathered group when its time has come and none is on its way. */
  #schedule(): void {
    if (this.#isClosed || this.#isSaving) return;
    if (this.#group.empty) {
      this.#becameIdle();
      return;
    }
    const waitMs = this.#group.startedAtMs + this.#gatherMs() - performance.now();
    if (waitMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#schedule();
      }, Math.ceil(waitMs));
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#track(this.#save()).catch((error: unknown) => {
      this.#fault(error);
    });
  }

  #gatherMs(): number {
    const fsync = this.#rules?.fsync ?? { gatherMs: SINK_GATHER_MS };
    const isDue = this.#isHurried || this.#isFinishing || this.#group.bytes >= GROUP_BYTES_MAX;
    return isDue || typeof fsync === 'string' ? 0 : fsync.gatherMs;
  }

  #becameIdle(): void {
    this.#isHurried = false;
    if (this.#output?.isWaiting === true && this.#blockage.reason === undefined) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  async #save(): Promise<void> {
    const group = this.#group;
    this.#group = new Group();
    this.#isHurried = false;
    this.#isSaving = true;
    this.#savingSinceMs = performance.now();
    this.#counters.group(group.batchCount, group.bytes);
    for (const file of group.files) this.#inspect(file);
    const files = group.records();
    if (this.#rules?.fsync !== 'no') await syncAll(group.files, this.#counters.fsyncSeconds);
    await this.#sinks.save();
    await this.#writer.commit(() => ({
      files,
      sources: [...group.sources()].map(([source, positions]) => [
        source.uuid,
        source.committedWith(positions),
      ]),
    }));
    this.#isSaving = false;
    this.#saved(group);
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

  /** Somebody else may have cut, written or removed the file. */
  #inspect(file: OutputFile): void {
    const { changed, deleted } = file.inspect();
    const shown = printableName(file.name);
    if (deleted) {
      file.stale = true;
      this.#options.log('warn', `${shown} was deleted while it was written; its next lines go to a new one`);
    } else if (changed && !this.#warned.has(file.identity)) {
      this.#warned.add(file.identity);
      this.#options.log('warn', `${shown} is changed by another program while it is written`);
    }
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

  #track<T>(work: Promise<T>): Promise<T> {
    const done = (): void => {
      this.#running.delete(work);
    };
    this.#running.add(work);
    work.then(done, done);
    return work;
  }

  #fault(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#writer.stop();
    this.#sinks.stop();
    this.#options.fault(error);
  }
}
