import { DISK_SECONDS, Tally } from '@k2hft/admin/tally';
import type { Batch } from '@k2hft/wire';
import { REFUSAL_REASONS, type RefusalReason } from './refusal-reason.js';

/** Sources and files that are counted one by one; beyond, the one that was quiet for the longest time is forgotten. */
const COUNTED_ONE_BY_ONE_MAX = 10_000;

/** Sizes of what is made safe together. */
export const GROUP_BATCHES: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000, 25_000];
export const GROUP_BYTES: readonly number[] = [1024, 8192, 65_536, 524_288, 1_048_576, 4_194_304, 16_777_216];

export interface SourceCounters {
  readonly uuid: string;
  host: string;
  batches: number;
  records: number;
  bytes: number;
  /** Batches that had been received before. */
  repeats: number;
  /** When its last batch came, and how long before it was written; milliseconds. */
  lastAtMs: number | undefined;
  lagMs: number | undefined;
}

export interface FileCounters {
  readonly name: string;
  batches: number;
  records: number;
  bytes: number;
  lastAtMs: number;
}

/** What a server has done since it was started. Its parts count here; status and metrics read it. */
export class ServerCounters {
  batches = 0;
  records = 0;
  bytes = 0;
  repeats = 0;
  appendedBytes = 0;
  rotations = 0;
  /** Batches whose names were refused, and that went to quarantine. */
  quarantined = 0;
  connectionsAccepted = 0;
  /** Connections that were refused before it was known who they are. */
  readonly refusals = noRefusals();
  readonly groupBatches = new Tally(GROUP_BATCHES);
  readonly groupBytes = new Tally(GROUP_BYTES);
  /** Of one file each. */
  readonly fsyncSeconds = new Tally(DISK_SECONDS);
  readonly commitSeconds = new Tally(DISK_SECONDS);
  /** From a batch's write at its source until it came here, by the two clocks. */
  readonly lagSeconds = new Tally(DISK_SECONDS);
  #gateClosedMs = 0;
  #gateClosedAtMs: number | undefined;
  readonly #sources = new Map<string, SourceCounters>();
  readonly #files = new Map<string, FileCounters>();

  /** Those of one source, the most recently connected last. */
  ofSource(uuid: string, host: string): SourceCounters {
    const counters = this.#sources.get(uuid) ?? newSource(uuid);
    counters.host = host;
    putLast(this.#sources, uuid, counters);
    return counters;
  }

  received(source: SourceCounters, batch: Batch): void {
    const { recordCount, totalBytes, timeSeconds, timeNanos } = batch;
    this.batches++;
    this.records += recordCount;
    this.bytes += totalBytes;
    source.batches++;
    source.records += recordCount;
    source.bytes += totalBytes;
    const nowMs = Date.now();
    source.lastAtMs = nowMs;
    source.lagMs = Math.max(0, nowMs - timeSeconds * 1000 - timeNanos / 1e6);
    this.lagSeconds.add(source.lagMs / 1000);
  }

  repeated(source: SourceCounters): void {
    this.repeats++;
    source.repeats++;
  }

  appended(name: string, batches: number, records: number, bytes: number): void {
    this.appendedBytes += bytes;
    let file = this.#files.get(name);
    if (file === undefined) {
      file = { name, batches: 0, records: 0, bytes: 0, lastAtMs: 0 };
      putLast(this.#files, name, file);
    }
    file.batches += batches;
    file.records += records;
    file.bytes += bytes;
    file.lastAtMs = Date.now();
  }

  group(batches: number, bytes: number): void {
    this.groupBatches.add(batches);
    this.groupBytes.add(bytes);
  }

  gate(isOpen: boolean): void {
    const nowMs = performance.now();
    if (this.#gateClosedAtMs !== undefined) this.#gateClosedMs += nowMs - this.#gateClosedAtMs;
    this.#gateClosedAtMs = isOpen ? undefined : nowMs;
  }

  /** How long the gate was closed in all. */
  get gateClosedMs(): number {
    const sinceMs = this.#gateClosedAtMs === undefined ? 0 : performance.now() - this.#gateClosedAtMs;
    return this.#gateClosedMs + sinceMs;
  }

  sources(): IterableIterator<Readonly<SourceCounters>> {
    return this.#sources.values();
  }

  files(): IterableIterator<Readonly<FileCounters>> {
    return this.#files.values();
  }
}

function noRefusals(): Record<RefusalReason, number> {
  return Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, 0])) as Record<RefusalReason, number>;
}

function newSource(uuid: string): SourceCounters {
  return {
    uuid,
    host: '',
    batches: 0,
    records: 0,
    bytes: 0,
    repeats: 0,
    lastAtMs: undefined,
    lagMs: undefined,
  };
}

function putLast<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= COUNTED_ONE_BY_ONE_MAX) return;
  const [first] = map.keys();
  if (first !== undefined) map.delete(first);
}
