import type { Received } from '@k2hft/wire';
import { AppliedSet, type StoredApplied } from './applied.js';
import { PositionSet, type Position } from './positions.js';
import { Source } from './source.js';

/** Of a row of the queue's ledger that says which batches of a source are in the queue, or went through it. */
const SOURCE_PREFIX = 'a';

/**
 * Which received batches the relay's queue has, or had. What is durable of it is written in the transaction of the batches
 * themselves, so that after a crash at any point it says neither too much nor too little.
 *
 * ```
 *   row a<uuid of the source>   JSON of StoredApplied
 * ```
 */
export class RelayLedger {
  readonly #sources = new Map<string, Source>();
  readonly #rows: ReadonlyMap<string, Uint8Array>;

  /** @param rows as they were when the queue was opened */
  constructor(rows: ReadonlyMap<string, Uint8Array>) {
    this.#rows = new Map(rows);
  }

  /** False when it has this batch already, be it on disk or on its way. */
  take(uuid: string, position: Position): boolean {
    const source = this.#source(uuid);
    if (source.taken.has(position)) return false;
    source.take(position);
    return true;
  }

  raiseFloor(uuid: string, { epoch, sequence }: Position): void {
    this.#source(uuid).raiseFloor(epoch, sequence);
  }

  /** The rows as they must be written together with these batches. */
  rowsWith(received: readonly Received[]): Map<string, Buffer> {
    const rows = new Map<string, Buffer>();
    for (const [source, positions] of this.#positionsBySource(received)) {
      const stored = source.committedWith(positions).toStored();
      rows.set(SOURCE_PREFIX + source.uuid, Buffer.from(JSON.stringify(stored)));
    }
    return rows;
  }

  /** They are on disk, or were given up. */
  settled(received: readonly Received[]): void {
    for (const [source, positions] of this.#positionsBySource(received)) source.markCommitted(positions);
  }

  #positionsBySource(received: readonly Received[]): Map<Source, PositionSet> {
    const positions = new Map<Source, PositionSet>();
    for (const { batch, source: uuid } of received) {
      const source = this.#source(uuid);
      const ofSource = positions.get(source) ?? new PositionSet();
      ofSource.add(batch);
      positions.set(source, ofSource);
    }
    return positions;
  }

  #source(uuid: string): Source {
    let source = this.#sources.get(uuid);
    if (source === undefined) {
      const row = this.#rows.get(SOURCE_PREFIX + uuid);
      source = new Source(uuid, row === undefined ? new AppliedSet() : AppliedSet.fromStored(parseRow(row)));
      this.#sources.set(uuid, source);
    }
    return source;
  }
}

function parseRow(row: Uint8Array): StoredApplied {
  return JSON.parse(Buffer.from(row).toString('utf8')) as StoredApplied;
}
