import { printableName, type Log } from '@k2hft/config';
import { Group } from './group.js';
import type { OutputFile } from './output-file.js';
import type { OutputRules } from './output-rules.js';
import type { Position } from './positions.js';
import type { Receiver, TakenBatch } from './receiver.js';
import type { ServerCounters } from './server-counters.js';
import type { SinkList } from './sink-list.js';
import type { StateWriter } from './state-writer.js';
import { syncAll } from './sync-files.js';
import type { UnderWay } from './under-way.js';

/** A group is closed at this size even when its time is not up: one fdatasync of so much takes about as long as the usual wait. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

/** Groups are gathered this long when there are no output files whose setting says it: as long as theirs by default. */
const SINK_GATHER_MS = 50;

export interface GroupSaverOptions {
  readonly log: Log;
  readonly counters: ServerCounters;
  readonly sinks: Pick<SinkList, 'save'>;
  readonly writer: Pick<StateWriter, 'commit'>;
  readonly underWay: UnderWay;
  /** How files are synced; undefined: there are none. */
  readonly fsync: () => OutputRules['fsync'] | undefined;
  /** Nothing is gathered any longer than it must. */
  readonly isFinishing: () => boolean;
  /** There is no group: nothing is gathered, and none is on its way. */
  readonly idle: () => void;
  /** The group is committed: it is to be acknowledged, and `schedule` called. */
  readonly saved: (group: Group) => void;
  readonly fault: (error: unknown) => void;
}

/**
 * Makes batches safe, in groups: by fdatasync, by the sinks, and by one transaction that holds their positions and their
 * files' lengths. While one group is on its way, the next one is gathered.
 *
 * ```
 *   added ──▶ gathered (#group) ──its time has come, and none is on its way──▶ on its way (#isSaving)
 *               files as they are now ▶ fdatasync ▶ sinks ▶ transaction ▶ saved
 * ```
 */
export class GroupSaver {
  readonly #options: GroupSaverOptions;
  #group = new Group();
  #isSaving = false;
  #savingSinceMs = 0;
  #isHurried = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #warned = new Set<string>();

  constructor(options: GroupSaverOptions) {
    this.#options = options;
  }

  /** How long the group that is being made safe has been on its way; undefined when there is none. */
  get savingMs(): number | undefined {
    return this.#isSaving ? performance.now() - this.#savingSinceMs : undefined;
  }

  addBatch(receiver: Receiver, batch: Position & { totalBytes: number }): void {
    this.#group.addBatch(receiver, batch, batch.totalBytes);
  }

  /** These batches are in the file; `isChanged`: its record has to be written. */
  addAppended(file: OutputFile, batches: readonly TakenBatch[], isChanged: boolean): void {
    if (isChanged) this.#group.addFile(file);
    for (const { receiver, batch } of batches) this.addBatch(receiver, batch);
  }

  /** The next group is closed at once. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** Closes the gathered group when its time has come and none is on its way. */
  schedule(): void {
    if (this.#isStopped || this.#isSaving) return;
    if (this.#group.empty) {
      this.#isHurried = false;
      this.#options.idle();
      return;
    }
    const waitMs = this.#group.startedAtMs + this.#gatherMs() - performance.now();
    if (waitMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.schedule();
      }, Math.ceil(waitMs));
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { underWay, fault } = this.#options;
    underWay.track(this.#save()).catch(fault);
  }

  /** No further group is closed; what is on its way goes on. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #gatherMs(): number {
    const { fsync, isFinishing } = this.#options;
    const setting = fsync() ?? { gatherMs: SINK_GATHER_MS };
    const isDue = this.#isHurried || isFinishing() || this.#group.bytes >= GROUP_BYTES_MAX;
    return isDue || typeof setting === 'string' ? 0 : setting.gatherMs;
  }

  async #save(): Promise<void> {
    const { counters, fsync, sinks, writer, saved } = this.#options;
    const group = this.#group;
    this.#group = new Group();
    this.#isHurried = false;
    this.#isSaving = true;
    this.#savingSinceMs = performance.now();
    counters.group(group.batchCount, group.bytes);
    for (const file of group.files) this.#inspect(file);
    const files = group.records();
    if (fsync() !== 'no') await syncAll(group.files, counters.fsyncSeconds);
    await sinks.save();
    await writer.commit(() => ({
      files,
      sources: [...group.sources()].map(([source, positions]) => [
        source.uuid,
        source.committedWith(positions),
      ]),
    }));
    this.#isSaving = false;
    saved(group);
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
}
