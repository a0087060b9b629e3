import type { DrainBooks } from './drain-books.js';
import { HOT_BYTES_SOFT } from './limits.js';
import { after, moveToStore } from './mover.js';
import { comparePositions, type Position } from './position.js';

interface Sample {
  readonly atMs: number;
  readonly position: Position;
}

/** Fewer batches behind the checkpoint are not worth a flush for their size. */
const UNSTORED_BATCHES_MIN = 64;

/**
 * Says when what goes into the store. Ages are measured with samples of where hot ended at what time of this process:
 * no clock of another process, and none that can be set, has a part in it.
 */
export class CheckpointSchedule {
  private samples: Sample[] = [];
  private everything = false;

  constructor(
    private readonly books: DrainBooks,
    /** May be changed at any time. */
    public checkpointMs: number,
  ) {}

  get isDue(): boolean {
    return this.everything || this.agedTarget() !== undefined;
  }

  /** The next checkpoint takes all that is in hot then. */
  wantEverything(): void {
    this.everything = true;
  }

  /** There is so much in hot that LMDB gets slow, and it is not only that the worker has not yet deleted it. */
  get holdsTooMuch(): boolean {
    const { hot, cursors, checkpointed } = this.books;
    if (hot.usage().usedBytes <= HOT_BYTES_SOFT) return false;
    const last = hot.lastPosition();
    if (last === undefined) return false;
    const next = cursors.gone.nextMissing(after(checkpointed));
    return next.epoch < last.epoch || last.sequence - next.sequence >= UNSTORED_BATCHES_MIN;
  }

  sample(): void {
    const position = this.books.hot.freshLastPosition();
    const limit = performance.now() - this.checkpointMs;
    if (position?.epoch !== this.samples.at(-1)?.position.epoch) this.samples = [];
    const firstYoung = this.samples.findIndex(({ atMs }) => atMs > limit);
    // Of the aged ones only the last one says something.
    if (firstYoung > 1) this.samples.splice(0, firstYoung - 1);
    if (position !== undefined) this.samples.push({ atMs: performance.now(), position });
  }

  /** One checkpoint: what was asked for, forced, or is old enough. */
  async run(): Promise<void> {
    const { hot, told } = this.books;
    const { everything } = this;
    this.everything = false;
    hot.refresh();
    const request = hot.request();
    const asked = request !== undefined && request.ticket > told.told.answeredCheckpoint;
    const target = everything || asked ? hot.lastPosition() : this.agedTarget();
    // In the same snapshot as the target: what is in no batch up to it is in a rest.
    const rests = asked ? { rests: hot.durableRests(), earlierTaken: hot.restsTaken() } : undefined;
    hot.refresh();
    if (target === undefined) return;
    try {
      await moveToStore(this.books, target, rests);
    } catch (error) {
      this.everything ||= everything || asked;
      throw error;
    }
    this.books.moved(target, asked ? { answeredCheckpoint: request.ticket } : {});
  }

  /** What was seen in hot long enough ago, and is still wanted by somebody. */
  private agedTarget(): Position | undefined {
    const { cursors, checkpointed } = this.books;
    const limit = performance.now() - this.checkpointMs;
    const aged = this.samples.findLast(({ atMs }) => atMs <= limit)?.position;
    if (aged === undefined || comparePositions(aged, checkpointed) <= 0) return undefined;
    const wanted = cursors.gone.nextMissing(after(checkpointed));
    return comparePositions(wanted, aged) <= 0 ? aged : undefined;
  }
}
