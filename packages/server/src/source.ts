import { AppliedSet } from './applied.js';
import type { PositionSet } from './positions.js';
import type { SourceCounters } from './server-counters.js';

/** One queue that sends here, however many connections it has at the moment. */
export class Source {
  /** Applied durably: may be acknowledged at once. */
  #committed: AppliedSet;
  /** Those and the ones that are on their way to the disk: must not be written again. */
  readonly #taken: AppliedSet;
  /** Connections that are open. */
  connectionCount = 0;
  /** Batches that were taken and are not committed. */
  unsafeCount = 0;

  constructor(
    readonly uuid: string,
    applied: AppliedSet,
    /** Absent where nobody asks. */
    readonly counters?: SourceCounters,
  ) {
    this.#committed = applied;
    this.#taken = applied.clone();
  }

  get committed(): Pick<AppliedSet, 'has'> {
    return this.#committed;
  }

  get taken(): Pick<AppliedSet, 'has' | 'add'> {
    return this.#taken;
  }

  raiseFloor(epoch: number, sequence: number): void {
    this.#committed.raiseFloor({ epoch, sequence });
    this.#taken.raiseFloor({ epoch, sequence });
  }

  /** What will be committed when these have been written. */
  committedWith(positions: PositionSet): AppliedSet {
    const next = this.#committed.clone();
    next.addAll(positions);
    return next;
  }

  /** The positions are durable now. */
  markCommitted(positions: PositionSet): void {
    this.#committed.addAll(positions);
  }
}
