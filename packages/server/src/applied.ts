import { ServerError } from './errors.js';
import { FLOOR_DOES_NOT_RISE } from './gap-budget.js';
import { PositionSet, type Position } from './positions.js';

/**
 * Gaps that are kept for one source. With several servers each gets a part of the batches, and the floor stays where the
 * slowest of them is: another one that goes on gets a gap whenever batches of theirs take turns.
 */
const INTERVALS_MAX = 500_000;

/**
 * Epochs above the floor that are kept for one source. It begins another one at most each time that it is started, and the
 * floor goes through them as they are delivered. Each costs some time whenever the floor rises.
 */
const EPOCHS_MAX = 10_000;

/** An {@link AppliedSet} as it is stored: the floor, and flat lists of the first and last sequence of each range. */
export interface StoredApplied {
  floor: [epoch: number, sequence: number];
  epochs: [epoch: number, bounds: number[]][];
}

/**
 * The batches of one source that were applied: all below the floor, and exactly those in a set above it. A set
 * and not a highest position, because with several servers batch 6 may come here before batch 5 goes elsewhere.
 */
export class AppliedSet {
  #floor: Position = { epoch: 0, sequence: 0 };
  #above = new PositionSet();

  get floor(): Position {
    return this.#floor;
  }

  /** In how many pieces what is above the floor lies. */
  get gapCount(): number {
    return this.#above.intervalCount;
  }

  has(position: Position): boolean {
    return this.#isBelowFloor(position) || this.#above.has(position);
  }

  /**
   * Whether it lies right behind the floor or beside what was applied. That is always taken: what fills gaps is what
   * makes room again.
   */
  continues(position: Position): boolean {
    const { epoch, sequence } = this.#floor;
    return (position.epoch === epoch && position.sequence === sequence) || this.#above.hasNeighbour(position);
  }

  /** Throws {@link ServerError} `too_many_gaps` when the source would take too much memory. */
  add(position: Position): void {
    if (this.#isBelowFloor(position)) return;
    if (this.#above.intervalCount >= INTERVALS_MAX && !this.continues(position)) {
      throw new ServerError(
        'too_many_gaps',
        `there are more than ${INTERVALS_MAX} gaps between the batches of one source: ${FLOOR_DOES_NOT_RISE}`,
      );
    }
    const isNewEpoch = !this.#above.hasEpoch(position.epoch);
    if (isNewEpoch && this.#above.epochCount >= EPOCHS_MAX && !this.continues(position)) {
      throw new ServerError(
        'too_many_gaps',
        `there are batches of more than ${EPOCHS_MAX} epochs of one source: ${FLOOR_DOES_NOT_RISE}`,
      );
    }
    this.#above.add(position);
  }

  addAll(positions: PositionSet): void {
    this.#above.addAll(positions);
    this.#above.removeBelow(this.#floor);
  }

  /** Everything below `floor` counts as applied from now on. A floor never falls: a lower one changes nothing. */
  raiseFloor(floor: Position): void {
    if (!isBefore(this.#floor, floor)) return;
    this.#floor = { epoch: floor.epoch, sequence: floor.sequence };
    this.#above.removeBelow(floor);
  }

  clone(): AppliedSet {
    const copy = new AppliedSet();
    copy.#floor = this.#floor;
    copy.#above = this.#above.clone();
    return copy;
  }

  toStored(): StoredApplied {
    return { floor: [this.#floor.epoch, this.#floor.sequence], epochs: this.#above.bounds() };
  }

  static fromStored(stored: StoredApplied): AppliedSet {
    const applied = new AppliedSet();
    const [epoch, sequence] = stored.floor;
    applied.#floor = { epoch, sequence };
    for (const [ofEpoch, bounds] of stored.epochs) {
      for (let index = 0; index + 1 < bounds.length; index += 2) {
        applied.#above.addRange(ofEpoch, bounds[index] ?? 0, bounds[index + 1] ?? 0);
      }
    }
    return applied;
  }

  #isBelowFloor(position: Position): boolean {
    return isBefore(position, this.#floor);
  }
}

function isBefore(a: Position, b: Position): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.sequence < b.sequence);
}
