import { ServerError } from './errors.js';

/**
 * Gaps that are kept for all sources together, some 50 bytes each while they are written: a source may have many when it has
 * several servers, but hundreds of sources that have as many as one may would take all memory.
 */
const GAPS_MAX = 2_000_000;

/** What to do about it. */
export const FLOOR_DOES_NOT_RISE =
  'another server of this source does not get on; see there, or take it out of its servers.urls';

/** A source with fewer of them is served whatever others do. */
const FREE_GAPS = 1000;

/** How many gaps there are between the batches of all sources that are served. */
export class GapBudget {
  readonly #max: number;
  #gaps = 0;

  constructor(max = GAPS_MAX) {
    this.#max = max;
  }

  get gaps(): number {
    return this.#gaps;
  }

  /** Whether one that has so many already may have no more. */
  isSpentFor(ownGaps: number): boolean {
    return ownGaps >= FREE_GAPS && this.#gaps >= this.#max;
  }

  /** Throws {@link ServerError} `too_many_gaps` for one that has so many already, when there are too many. */
  check(ownGaps: number): void {
    if (!this.isSpentFor(ownGaps)) return;
    throw new ServerError(
      'too_many_gaps',
      `there are more than ${this.#max} gaps between the batches of all sources, and ${ownGaps} of them are of this one: ${FLOOR_DOES_NOT_RISE}`,
    );
  }

  /** There are so many more; negative when they went. */
  change(gaps: number): void {
    this.#gaps += gaps;
  }
}
