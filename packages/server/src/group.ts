import type { FileRecord, OutputFile } from './output-file.js';
import { PositionSet, type Position } from './positions.js';
import type { Receiver } from './receiver.js';
import type { Source } from './source.js';

/**
 * Batches that become safe together: one fdatasync per file, one transaction, one acknowledgement per connection. Its
 * files are kept open until it is released.
 */
export class Group {
  /** Bytes and batches that are acknowledged with this group. */
  bytes = 0;
  batchCount = 0;
  readonly #files = new Set<OutputFile>();
  readonly #received = new Map<Receiver, { positions: PositionSet; count: number }>();
  #startedAtMs = 0;

  get empty(): boolean {
    return this.#received.size === 0;
  }

  /** When its first batch came, on the monotonic clock. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  get files(): ReadonlySet<OutputFile> {
    return this.#files;
  }

  addFile(file: OutputFile): void {
    if (this.#files.has(file)) return;
    this.#files.add(file);
    file.unsafeGroupCount++;
  }

  addBatch(receiver: Receiver, position: Position, bytes: number): void {
    let received = this.#received.get(receiver);
    if (received === undefined) {
      if (this.empty) this.#startedAtMs = performance.now();
      received = { positions: new PositionSet(), count: 0 };
      this.#received.set(receiver, received);
    }
    received.positions.add(position);
    received.count++;
    this.bytes += bytes;
    this.batchCount++;
  }

  /** The files as they are now: at the moment when the group is closed, before anything else is appended to them. */
  records(): [identity: string, record: FileRecord][] {
    return [...this.#files].map((file) => [file.identity, file.record()]);
  }

  /** What each source has in this group. */
  sources(): Map<Source, PositionSet> {
    const sources = new Map<Source, PositionSet>();
    for (const [{ source }, { positions }] of this.#received) {
      const sum = sources.get(source) ?? new PositionSet();
      sum.addAll(positions);
      sources.set(source, sum);
    }
    return sources;
  }

  /** The group is safe: acknowledges everything and lets go of its files. */
  release(): void {
    for (const file of this.#files) file.unsafeGroupCount--;
    for (const [source, positions] of this.sources()) source.markCommitted(positions);
    for (const [receiver, { positions, count }] of this.#received) {
      receiver.source.unsafeCount -= count;
      receiver.acknowledge(positions);
    }
  }
}
