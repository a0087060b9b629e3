import { AppliedSet } from './applied.js';
import { GapBudget } from './gap-budget.js';
import type { Position, PositionSet } from './positions.js';
import type { SourceCounters } from './server-counters.js';

/** One queue that sends here, however many connections it has at the moment. */
export class Source {
  /** Applied durably: may be acknowledged at once. */
  #committed: AppliedSet;
  /** Those and the ones that are on their way to the disk: must not be written again. */
  readonly #taken: AppliedSet;
  readonly #gaps: GapBudget;
  /** Connections that are open. */
  connectionCount = 0;
  /** Batches that were taken and are not committed. */
  unsafeCount = 0;

  /** Throws {@link ServerError} `too_many_gaps`. */
  constructor(
    readonly uuid: string,
    applied: AppliedSet,
    /** Absent where nobody asks. */
    readonly counters?: SourceCounters,
    /** That of all sources. */
    gaps = new GapBudget(),
  ) {
    this.#gaps = gaps;
    this.#committed = applied;
    this.#taken = applied.clone();
    gaps.check(this.#taken.gapCount);
    gaps.change(this.#taken.gapCount);
  }

  get committed(): Pick<AppliedSet, 'has'> {
    return this.#committed;
  }

  get taken(): Pick<AppliedSet, 'has'> {
    return this.#taken;
  }

  /** It is on its way to the disk. Throws {@link ServerError} `too_many_gaps`. */
  take(position: Position): void {
    const before = this.#taken.gapCount;
    if (this.#gaps.isSpentFor(before) && !this.#taken.continues(position)) this.#gaps.check(before);
    this.#taken.add(position);
    this.#gaps.change(this.#taken.gapCount - before);
  }

  raiseFloor(epoch: number, sequence: number): void {
    this.#committed.raiseFloor({ epoch, sequence });
    const before = this.#taken.gapCount;
    this.#taken.raiseFloor({ epoch, sequence });
    this.#gaps.change(this.#taken.gapCount - before);
  }

  /** Nobody asks for it any more. */
  forget(): void {
    this.#gaps.change(-this.#taken.gapCount);
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
