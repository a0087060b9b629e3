import { setTimeout as sleep } from 'node:timers/promises';
import { printableName, type Log, type OutputSettings, type ServerSettings } from '@k2hft/config';
import { pluginName, PluginPool, type PluginTuning } from '@k2hft/plugin';
import { BatchFlag, type Batch } from '@k2hft/wire';
import { planAppend, type StreamBatch } from './batch-append.js';
import { messageOf } from './errors.js';
import type { Tail } from './output-file.js';
import { compileOutputRules, type OutputRules } from './output-rules.js';
import { OutputTree } from './output-tree.js';
import { PluginFiles } from './plugin-files.js';
import type { Sink, SinkFigures, SinkWait } from './sink.js';

/** How often save() looks whether everything was taken. */
const POLL_MS = 10;

/** A plugin that has taken nothing for so long while something waits for it is named as what everything waits for. */
const STALLED_AFTER_MS = 2_000;

export interface PluginSinkTuning {
  readonly plugin: Partial<PluginTuning>;
  readonly stalledAfterMs: number;
  /** From the end of its standard input to SIGTERM. */
  readonly graceMs: number;
  readonly processesMax: number;
}

type PluginSettings = OutputSettings & { plugin: string[] };

interface Taken extends StreamBatch {
  generation: number;
}

/**
 * Brings what arrives to a plugin's standard input, formatted as it is for the files. A group is safe when the plugin's
 * pipe has taken it. A plugin that does not read loses nothing: nothing more is acknowledged, and the sources are told.
 *
 * With `plugin_stdout: file` there is one process for each output file, and what it prints is the file.
 */
export class PluginSink implements Sink {
  readonly #name: string;
  readonly #log: Log;
  readonly #pool: PluginPool;
  /** Undefined: there is one process, and its output is thrown away. */
  readonly #files: PluginFiles | undefined;
  readonly #tree: OutputTree | undefined;
  readonly #stalledAfterMs: number;
  readonly #graceMs: number | undefined;
  #rules: OutputRules;
  /** How what was given for a file ends; absent after whole lines. */
  readonly #tails = new Map<string, Tail>();
  /** What waits for a process, by the name of the file. */
  readonly #backlog = new Map<string, Taken[]>();
  #backlogBytes = 0;
  /** Batches that no pipe has taken: of the groups that are being closed, and of the one that is gathered. */
  #outstanding = { closing: 0, gathered: 0 };
  #isAdvancing = false;
  #closed: Promise<void> | undefined;
  #generation = 0;
  #takenCount = 0;

  constructor(settings: PluginSettings, log: Log, tuning: Partial<PluginSinkTuning> = {}) {
    const { plugin: command, pluginStdout, dir } = settings;
    this.#name = pluginName(command);
    this.#log = log;
    this.#rules = compileOutputRules(settings);
    this.#stalledAfterMs = tuning.stalledAfterMs ?? STALLED_AFTER_MS;
    this.#graceMs = tuning.graceMs;
    this.#tree = pluginStdout === 'file' ? new OutputTree(dir, settings.mode) : undefined;
    this.#files = this.#tree && new PluginFiles(this.#tree, log);
    this.#pool = new PluginPool({
      make: (name) => ({
        name: this.#files === undefined ? this.#name : `${this.#name} (${printableName(name)})`,
        command,
        stdout: this.#files?.stdoutOf(name) ?? { kind: 'discard' },
        log,
        ...(tuning.plugin === undefined ? {} : { tuning: tuning.plugin }),
      }),
      onSlot: () => {
        this.#advance();
      },
      ...(tuning.processesMax === undefined ? {} : { processesMax: tuning.processesMax }),
    });
    if (this.#files === undefined) this.#pool.get('');
  }

  get waitingBytes(): number {
    return this.#backlogBytes + this.#pool.waitingBytes;
  }

  take(batch: Batch, source: string): void {
    const name = this.#files?.nameOf(batch, this.#rules.template) ?? '';
    const stream = `${batch.route?.origin ?? source}/${batch.stream}`;
    const taken: Taken = { batch, stream, generation: this.#generation };
    this.#outstanding.gathered++;
    const waiting = this.#backlog.get(name);
    if (waiting !== undefined) this.#wait(waiting, taken);
    else if (!this.#give(name, taken)) this.#wait(this.#newBacklog(name), taken);
  }

  async save({ signal, blocked }: SinkWait): Promise<void> {
    this.#generation++;
    this.#outstanding = { closing: this.#outstanding.closing + this.#outstanding.gathered, gathered: 0 };
    let seenCount = this.#takenCount;
    let seenBytes = this.waitingBytes;
    let progressMs = performance.now();
    while (this.#outstanding.closing > 0) {
      signal.throwIfAborted();
      if (this.#takenCount !== seenCount || this.waitingBytes < seenBytes) {
        progressMs = performance.now();
        blocked(undefined);
      } else if (performance.now() - progressMs >= this.#stalledAfterMs) {
        blocked(this.#stallReason());
      }
      seenCount = this.#takenCount;
      seenBytes = this.waitingBytes;
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  figures(): SinkFigures {
    const { processes, restarts, fedBytes } = this.#pool.status();
    const states: Record<string, number> = {};
    for (const { state } of processes) states[state] = (states[state] ?? 0) + 1;
    const lastError = processes.find((process) => process.lastError !== undefined)?.lastError?.message;
    return { plugin: { states, restarts, fedBytes, waitingBytes: this.waitingBytes, lastError } };
  }

  reopen({ output }: ServerSettings): void {
    if (output === undefined) return;
    if (this.#tree !== undefined) this.#tree.fileMode = output.mode;
    try {
      this.#rules = compileOutputRules(output);
    } catch (error) {
      this.#log('error', messageOf(error));
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.stop(this.#graceMs).then(() => this.#tree?.close());
    return this.#closed;
  }

  #wait(waiting: Taken[], taken: Taken): void {
    waiting.push(taken);
    this.#backlogBytes += taken.batch.payload.length;
  }

  #newBacklog(name: string): Taken[] {
    const waiting: Taken[] = [];
    this.#backlog.set(name, waiting);
    return waiting;
  }

  /** Gives what waits to the processes that there can be now. */
  #advance(): void {
    for (const [name, waiting] of this.#backlog) {
      let givenCount = 0;
      for (const taken of waiting) {
        if (!this.#give(name, taken)) break;
        this.#backlogBytes -= taken.batch.payload.length;
        givenCount++;
      }
      waiting.splice(0, givenCount);
      if (waiting.length === 0) this.#backlog.delete(name);
    }
  }

  /** False when there is no process for that name now. */
  #give(name: string, taken: Taken): boolean {
    const process = this.#pool.get(name);
    if (process === undefined) return false;
    const plan = planAppend([taken], this.#tails.get(name), this.#rules.format);
    if (plan.tail === undefined) this.#tails.delete(name);
    else this.#tails.set(name, plan.tail);
    const isBinary = (taken.batch.flags & BatchFlag.BINARY) !== 0;
    const done = () => {
      this.#done(taken);
    };
    const last = plan.buffers.pop();
    for (const bytes of plan.buffers) process.write(bytes, { isBinary });
    if (last === undefined) done();
    else process.write(last, { isBinary, taken: done });
    return true;
  }

  #done({ generation }: Taken): void {
    this.#takenCount++;
    if (generation < this.#generation) this.#outstanding.closing--;
    else this.#outstanding.gathered--;
    // A process that has nothing to do can make room for another.
    if (this.#backlog.size > 0) this.#advanceSoon();
  }

  #advanceSoon(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    setImmediate(() => {
      this.#isAdvancing = false;
      this.#advance();
    });
  }

  #stallReason(): string {
    const statuses = this.#pool.status().processes;
    const broken = statuses.find(({ state }) => state === 'waiting' || state === 'starting');
    const why = broken?.lastError?.message ?? 'does not read its standard input';
    return `plugin ${this.#name}: ${why}`;
  }
}
