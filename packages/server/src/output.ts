import { BatchFlag, type Batch } from '@k2hft/wire';
import type { Log } from '@k2hft/config';
import { planAppend } from './batch-append.js';
import { Destinations, type Destination } from './destinations.js';
import type { OutputFile } from './output-file.js';
import { cannotOpen, OutputFiles } from './output-files.js';
import type { OutputRules } from './output-rules.js';
import { RefusedName, type OutputTree } from './output-tree.js';
import type { TakenBatch } from './receiver.js';
import type { ServerCounters } from './server-counters.js';
import type { State, StateChanges } from './state.js';

export interface OutputOptions {
  tree: OutputTree;
  state: State;
  rules: OutputRules;
  log: Log;
  counters: ServerCounters;
  /** Commits durably, however long it takes. */
  commit: (changes: StateChanges) => Promise<void>;
  /** These batches are in the file now; `isChanged`: its record has to be written. */
  appended: (file: OutputFile, batches: readonly TakenBatch[], isChanged: boolean) => void;
  /** Files wait for the uncommitted groups: do not gather any longer. */
  hurry: () => void;
  /** Files can be written that could not be before: call `advance`. */
  ready: () => void;
  fault: (error: unknown) => void;
}

/** A name that batches go to. */
interface Target extends Destination {
  file: OutputFile | undefined;
  waiting: TakenBatch[];
}

/**
 * The files below the output directory: which batch goes where, what waits for which of them, and the appends.
 *
 * ```
 *   accept ▶ destinations (a name) ▶ targets (what waits) ──advance──▶ output files (an open one) ▶ append ▶ appended
 * ```
 */
export class Output {
  readonly #options: OutputOptions;
  #rules: OutputRules;
  readonly #destinations: Destinations;
  readonly #files: OutputFiles;
  readonly #targets = new Map<string, Target>();
  /** Targets with waiting batches. */
  readonly #busy = new Set<Target>();

  constructor(options: OutputOptions) {
    const { tree, log, rules } = options;
    this.#options = options;
    this.#rules = rules;
    this.#destinations = new Destinations(rules.template, tree.directory, log);
    this.#files = new OutputFiles({
      ...options,
      rotate: () => this.#rules.rotate,
      needed: () => new Set([...this.#busy].map((target) => target.file)),
      closed: (file) => {
        this.#closed(file);
      },
    });
  }

  get isWaiting(): boolean {
    return this.#busy.size > 0;
  }

  get openFileCount(): number {
    return this.#files.count;
  }

  /** False: it would change nothing. A raw batch without bytes counts when it ends the line that a file ends with. */
  needs(batch: Batch, stream: string): boolean {
    if (batch.payload.length > 0 || !this.#rules.format.raw) return true;
    if ((batch.flags & BatchFlag.STREAM_END) === 0) return false;
    const { name } = this.#destinations.of(batch);
    const target = this.#targets.get(name);
    if (target === undefined) return this.#options.state.fileNamed(name)?.tail?.stream === stream;
    return target.waiting.length > 0 || target.file?.tail?.stream === stream;
  }

  /** Takes a batch; `advance` writes it. */
  accept(taken: TakenBatch): void {
    const target = this.#targetOf(this.#destinations.of(taken.batch));
    target.waiting.push(taken);
    if (target.isQuarantine) this.#options.counters.quarantined++;
    this.#busy.add(target);
  }

  /** Writes all that can be written now. Throws OutputBlocked; what was not written keeps waiting. */
  advance(): void {
    try {
      for (const target of this.#busy) this.#write(target);
    } finally {
      this.#files.register();
    }
  }

  /** Every file is opened anew for its next batch, as soon as what was appended to it is safe. */
  reopen(rules: OutputRules): void {
    this.#rules = rules;
    this.#destinations.renew(rules.template);
    this.#files.reopen();
  }

  /** Closes files that must be opened anew and have nothing unsafe in them. */
  closeStale(): void {
    this.#files.closeStale();
  }

  /** Resolves when neither files nor state are touched any more. */
  async close(): Promise<void> {
    await this.#files.close();
  }

  #targetOf({ name, isQuarantine }: Destination): Target {
    let target = this.#targets.get(name);
    if (target === undefined) {
      target = { name, isQuarantine, file: undefined, waiting: [] };
      this.#targets.set(name, target);
    }
    return target;
  }

  #write(target: Target): void {
    while (target.waiting.length > 0) {
      const file = this.#fileOf(target);
      if (file?.registered !== true) return;
      if (this.#files.hasLostItsName(file)) {
        file.stale = true;
        continue;
      }
      const plan = planAppend(target.waiting, file.tail, this.#rules.format, this.#files.roomBytes(file));
      if (this.#files.rotateIfDue(file, plan.bytes)) continue;
      if (plan.bytes > 0) file.append(plan.buffers, plan.bytes);
      const isChanged = plan.bytes > 0 || plan.tail !== file.tail;
      file.tail = plan.tail;
      const written = target.waiting.splice(0, plan.batchCount);
      const records = written.reduce((sum, { batch }) => sum + batch.recordCount, 0);
      this.#options.counters.appended(file.name, written.length, records, plan.bytes);
      this.#options.appended(file, written, isChanged);
    }
    this.#busy.delete(target);
  }

  /** The open file of a target; undefined when it cannot be opened before something else has happened. */
  #fileOf(target: Target): OutputFile | undefined {
    if (target.file?.stale === true) this.closeStale();
    let { file } = target;
    if (file?.stale === true) {
      this.#options.hurry();
      return undefined;
    }
    if (file === undefined) {
      file = this.#open(target);
      target.file = file;
    }
    if (file !== undefined) this.#files.touch(file);
    return file;
  }

  #open(target: Target): OutputFile | undefined {
    try {
      return this.#files.open(target.name);
    } catch (error) {
      if (!(error instanceof RefusedName)) throw error;
      if (target.isQuarantine) throw cannotOpen(target.name, error);
      this.#moveToQuarantine(target, error.message);
      return undefined;
    }
  }

  #moveToQuarantine(target: Target, reason: string): void {
    const quarantine = this.#targetOf(this.#destinations.refuse(target.name, reason));
    for (const taken of target.waiting) quarantine.waiting.push(taken);
    this.#options.counters.quarantined += target.waiting.length;
    this.#busy.add(quarantine);
    target.waiting = [];
    this.#busy.delete(target);
    this.#targets.delete(target.name);
  }

  #closed(file: OutputFile): void {
    for (const target of this.#targets.values()) {
      if (target.file !== file) continue;
      target.file = undefined;
      if (target.waiting.length === 0) this.#targets.delete(target.name);
    }
  }
}
