import { closeSync, fsync } from 'node:fs';
import { promisify } from 'node:util';
import { BatchFlag, type Batch } from '@k2hft/wire';
import { planAppend } from './batch-append.js';
import { messageOf, systemCode } from './errors.js';
import { isNoRoom, OutputBlocked, OutputFile } from './output-file.js';
import { quarantineName, refusalOf } from './output-name.js';
import type { OutputRules } from './output-rules.js';
import type { OpenedFile } from './output-entry.js';
import { RefusedName, type OutputTree } from './output-tree.js';
import { printableName, type Log } from '@k2hft/config';
import type { TakenBatch } from './receiver.js';
import { Rotation } from './rotation.js';
import type { ServerCounters } from './server-counters.js';
import type { State, StateChanges } from './state.js';

const fsyncAsync = promisify(fsync);

/** Open files that are kept. Well below the 1024 that a process may have by default, next to its connections. */
export const OPEN_FILES_MAX = 512;

/** Refused names that are remembered, so that each is logged once. Beyond, all are forgotten and may be logged again. */
const REFUSALS_MAX = 10_000;

/** How often it is looked whether an output file still has its name, while lines come; after a pause it is looked first. */
const LOOK_MS = 50;

/** How often files that nothing is written to are looked at: is it time to rotate them? */
const ROTATE_CHECK_MS = 1000;

/** Answers of the system that may be others in a second. */
const PASSING = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EINTR']);

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
interface Target {
  readonly name: string;
  /** It is where refused names go: there is nowhere else to go from here. */
  readonly isQuarantine: boolean;
  file: OutputFile | undefined;
  waiting: TakenBatch[];
}

interface Destination {
  name: string;
  isQuarantine: boolean;
}

interface Registration {
  file: OutputFile;
  changedDirectories: number[];
}

/**
 * The files below the output directory: which batch goes where, which of them are open, and the appends. A file is
 * recorded durably *before* its first append: otherwise a crash would leave bytes in it that nobody
 * knows to cut back, and that come again.
 */
export class Output {
  readonly #options: OutputOptions;
  #rules: OutputRules;
  readonly #targets = new Map<string, Target>();
  /** Targets with waiting batches. */
  readonly #busy = new Set<Target>();
  /** Open files by identity, the least recently used first. */
  readonly #files = new Map<string, OutputFile>();
  #registrations: Registration[] = [];
  /** Sound names that cannot be written because of what is in the file system, until the files are opened anew. */
  readonly #refusals = new Map<string, string>();
  /** Unsound names that were logged. */
  readonly #logged = new Set<string>();
  /** Where the batches of a stream go, by the path object that they share. Only sound names get in here. */
  #names = new WeakMap<Buffer, Destination>();
  readonly #rotation: Rotation;
  readonly #rotateTimer: NodeJS.Timeout;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#rules = options.rules;
    this.#rotation = new Rotation({
      ...options,
      rules: () => this.#rules.rotate,
      isOpen: (identity) => this.#files.has(identity),
    });
    this.#rotation.begin();
    this.#rotateTimer = setInterval(() => {
      this.#rotateIdle();
    }, ROTATE_CHECK_MS).unref();
  }

  get isWaiting(): boolean {
    return this.#busy.size > 0;
  }

  get openFileCount(): number {
    return this.#files.size;
  }

  /** False: it would change nothing. A raw batch without bytes counts when it ends the line that a file ends with. */
  needs(batch: Batch, stream: string): boolean {
    if (batch.payload.length > 0 || !this.#rules.format.raw) return true;
    if ((batch.flags & BatchFlag.STREAM_END) === 0) return false;
    const { name } = this.#destinationOf(batch);
    const target = this.#targets.get(this.#refusals.get(name) ?? name);
    if (target === undefined) return this.#options.state.fileNamed(name)?.tail?.stream === stream;
    return target.waiting.length > 0 || target.file?.tail?.stream === stream;
  }

  /** Takes a batch; `advance` writes it. */
  accept(taken: TakenBatch): void {
    const destination = this.#destinationOf(taken.batch);
    const refusedTo = this.#refusals.size > 0 ? this.#refusals.get(destination.name) : undefined;
    this.#enqueue(refusedTo === undefined ? destination : { name: refusedTo, isQuarantine: true }, [taken]);
  }

  /** Writes all that can be written now. Throws {@link OutputBlocked}; what was not written keeps waiting. */
  advance(): void {
    try {
      for (const target of this.#busy) this.#write(target);
    } finally {
      const registrations = this.#registrations;
      this.#registrations = [];
      if (registrations.length > 0) this.#register(registrations).catch(this.#options.fault);
    }
  }

  /** Every file is opened anew for its next batch, as soon as what was appended to it is safe. */
  reopen(rules: OutputRules): void {
    this.#rules = rules;
    this.#names = new WeakMap();
    this.#reopenTree();
    this.#refusals.clear();
    for (const file of this.#files.values()) file.stale = true;
    this.closeStale();
  }

  /** Closes files that must be opened anew and have nothing unsafe in them. */
  closeStale(): void {
    for (const file of this.#files.values()) {
      if (!file.stale || !file.registered || file.unsafeGroupCount > 0) continue;
      if (!file.rotates || this.#rename(file)) {
        this.#close(file);
      } else {
        file.stale = false;
        file.rotates = false;
      }
    }
  }

  /** Resolves when neither files nor state are touched any more. */
  async close(): Promise<void> {
    clearInterval(this.#rotateTimer);
    await this.#rotation.close();
    for (const file of [...this.#files.values()]) this.#close(file);
  }

  #destinationOf(batch: Batch): Destination {
    const { template } = this.#rules;
    if (template.timed) return this.#soundDestination(template.render(batch));
    let destination = this.#names.get(batch.path);
    if (destination === undefined) {
      destination = this.#soundDestination(template.render(batch));
      this.#names.set(batch.path, destination);
    }
    return destination;
  }

  #soundDestination(name: string): Destination {
    const reason = refusalOf(name, Buffer.byteLength(this.#options.tree.directory));
    if (reason === undefined) return { name, isQuarantine: false };
    const quarantine = quarantineName(name);
    if (this.#logged.size >= REFUSALS_MAX) this.#logged.clear();
    if (!this.#logged.has(name)) this.#logRefusal(name, reason, quarantine);
    this.#logged.add(name);
    return { name: quarantine, isQuarantine: true };
  }

  #logRefusal(name: string, reason: string, quarantine: string): void {
    const shown = printableName(name);
    this.#options.log('warn', `refused to write "${shown}": ${reason}; it goes to "${quarantine}" instead`);
  }

  #enqueue({ name, isQuarantine }: Destination, batches: readonly TakenBatch[]): void {
    let target = this.#targets.get(name);
    if (target === undefined) {
      target = { name, isQuarantine, file: undefined, waiting: [] };
      this.#targets.set(name, target);
    }
    for (const taken of batches) target.waiting.push(taken);
    if (isQuarantine) this.#options.counters.quarantined += batches.length;
    this.#busy.add(target);
  }

  #write(target: Target): void {
    while (target.waiting.length > 0) {
      const file = this.#fileOf(target);
      if (file?.registered !== true) return;
      if (this.#hasLostItsName(file)) {
        file.stale = true;
        continue;
      }
      const plan = planAppend(target.waiting, file.tail, this.#rules.format, this.#rotation.roomBytes(file));
      if (this.#rotation.isDue(file, plan.bytes)) {
        this.#rotate(file);
        continue;
      }
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

  #rotate(file: OutputFile): void {
    file.stale = true;
    file.rotates = true;
  }

  #rename(file: OutputFile): boolean {
    const isRenamed = this.#rotation.rename(file);
    if (isRenamed) this.#options.counters.rotations++;
    return isRenamed;
  }

  #rotateIdle(): void {
    for (const file of this.#files.values()) {
      if (file.registered && !file.stale && this.#rotation.isDue(file, 0)) this.#rotate(file);
    }
    this.closeStale();
  }

  /** Whether somebody else has renamed or removed the file, as logrotate does, or has put another one in its place. */
  #hasLostItsName(file: OutputFile): boolean {
    const now = performance.now();
    if (now - file.seenAtMs < LOOK_MS) return false;
    if (this.#options.tree.holds(file.name, file.identity)) {
      file.seenAtMs = now;
      return false;
    }
    const shown = printableName(file.name);
    this.#options.log('info', `${shown} was renamed or removed: its next lines go to a new file`);
    return true;
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
      if (!this.#makeSlot()) return undefined;
      file = this.#open(target);
      target.file = file;
    }
    if (file !== undefined) this.#touch(file);
    return file;
  }

  #touch(file: OutputFile): void {
    this.#files.delete(file.identity);
    this.#files.set(file.identity, file);
  }

  /** Closes the file that was not used for the longest time, when there are too many; false when all are needed. */
  #makeSlot(): boolean {
    if (this.#files.size < OPEN_FILES_MAX) return true;
    const needed = new Set([...this.#busy].map((target) => target.file));
    for (const file of this.#files.values()) {
      if (!file.registered || file.unsafeGroupCount > 0 || needed.has(file)) continue;
      this.#close(file);
      return true;
    }
    this.#options.hurry();
    return false;
  }

  #open(target: Target): OutputFile | undefined {
    const opened = this.#tryOpen(target);
    if (opened === undefined) return undefined;
    const { fd, identity, length, bornMs, isNew, changedDirectories } = opened;
    const shared = this.#files.get(identity);
    if (shared !== undefined) {
      // Two names of one file: one of them is a hard link, or it was renamed.
      closeSync(fd);
      changedDirectories.forEach((directory) => {
        closeSync(directory);
      });
      if (shared.stale) this.#options.hurry();
      return shared.stale ? undefined : shared;
    }
    if (isNew) this.#rotation.made(target.name, fd);
    const file = new OutputFile(target.name, identity, fd, length, bornMs);
    const record = this.#options.state.file(identity);
    file.adopt(record);
    this.#files.set(identity, file);
    if (record?.length === length && record.name === target.name && changedDirectories.length === 0) {
      file.registered = true;
    } else {
      this.#registrations.push({ file, changedDirectories });
    }
    return file;
  }

  #tryOpen(target: Target): OpenedFile | undefined {
    try {
      return this.#options.tree.openFile(target.name);
    } catch (error) {
      if (error instanceof RefusedName && !target.isQuarantine) {
        this.#moveToQuarantine(target, error.message);
        return undefined;
      }
      const code = systemCode(error) ?? '';
      if (code === 'ENOENT') this.#reopenTree();
      if (error instanceof RefusedName || isNoRoom(error) || code === 'ENOENT' || PASSING.has(code)) {
        throw new OutputBlocked(`cannot open ${printableName(target.name)}: ${messageOf(error)}`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  /** When the output directory cannot be opened now, the one that is open stays, and the next append tells. */
  #reopenTree(): void {
    try {
      this.#options.tree.reopen();
    } catch (error) {
      this.#options.log('error', messageOf(error));
    }
  }

  #moveToQuarantine(target: Target, reason: string): void {
    const quarantine = quarantineName(target.name);
    this.#logRefusal(target.name, reason, quarantine);
    if (this.#refusals.size >= REFUSALS_MAX) this.#refusals.clear();
    this.#refusals.set(target.name, quarantine);
    this.#enqueue({ name: quarantine, isQuarantine: true }, target.waiting);
    target.waiting = [];
    this.#busy.delete(target);
    this.#targets.delete(target.name);
  }

  async #register(registrations: readonly Registration[]): Promise<void> {
    for (const { changedDirectories } of registrations) {
      await Promise.all(changedDirectories.map((directory) => fsyncAsync(directory)));
      changedDirectories.forEach((directory) => {
        closeSync(directory);
      });
    }
    await this.#options.commit({
      opened: registrations.map(({ file }) => [file.identity, file.record()] as const),
      rotated: this.#rotation.unsettled(new Set(registrations.map(({ file }) => file.name))),
    });
    for (const { file } of registrations) file.registered = true;
    this.#options.ready();
  }

  #close(file: OutputFile): void {
    file.close();
    this.#files.delete(file.identity);
    for (const target of this.#targets.values()) {
      if (target.file !== file) continue;
      target.file = undefined;
      if (target.waiting.length === 0) this.#targets.delete(target.name);
    }
  }
}
