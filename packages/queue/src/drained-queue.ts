import { BatchReader, type QueuedBatch } from './batch-reader.js';
import { NO_AMOUNT, type Amount } from './counters.js';
import { limitCursor } from './cursor-limit.js';
import type { DrainBooks } from './drain-books.js';
import { statisticsOf, type DrainStatistics } from './drain-statistics.js';
import { Expiry } from './expiry.js';
import { attempt, FaultReporter } from './fault-reporter.js';
import type { HotTier } from './hot-tier.js';
import { after as behind } from './mover.js';
import { OneAtATime } from './one-at-a-time.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';
import type { Range } from './range-set.js';
import type { Fault, InspectBatch, QueueOptions } from './settings.js';

/** What every queue is opened with that batches are taken out of. */
export interface DrainedQueueOptions {
  /** Made when it is missing. Who opens it holds its lock: see lockQueue(). */
  readonly dir: string;
  readonly settings: QueueOptions;
  /** The destinations, each with a name that stays the same. */
  readonly cursors: readonly string[];
  readonly inspect: InspectBatch;
  /** Told once when something goes wrong, and again when something else does; work goes on by itself. */
  readonly onFault: Fault;
  /** For tests; the kernel's by default. */
  readonly bootId?: string;
}

/** Reading, acking and counting: the same whether somebody else puts the batches into the queue or its own process does. */
export abstract class DrainedQueue<Hot extends HotTier> {
  protected readonly reader: BatchReader;
  protected readonly expiry: Expiry;
  /** Whatever writes the store or the state, and whatever changes which hot is looked at. */
  protected readonly writing = new OneAtATime();
  protected readonly faults: FaultReporter;
  protected timer: NodeJS.Timeout | undefined;
  protected isClosed = false;

  protected constructor(
    { settings, onFault }: DrainedQueueOptions,
    readonly source: string,
    protected readonly books: DrainBooks<Hot>,
  ) {
    this.faults = new FaultReporter(onFault);
    this.expiry = new Expiry(books, settings.expireMs);
    this.reader = new BatchReader(books, settings.expireMs, () => {
      this.needsCheckpoint();
    });
  }

  /** Of what is appended from now on; 0 while no worker has made a hot. */
  epoch(): number {
    return this.books.hot.epoch;
  }

  /**
   * Batches behind `after` that this cursor has neither acked nor lost, in order: at most `countMax`, and at most
   * `bytesMax` bytes but at least one. Start with floor(); go on with the position of the last one. Nothing when the
   * cursor has gone away while somebody still reads under it.
   */
  read(cursor: string, after: Position, bytesMax: number, countMax: number): QueuedBatch[] {
    if (!this.books.cursors.has(cursor)) return [];
    return attempt(this.fault, () => this.reader.read(cursor, after, bytesMax, countMax), []);
  }

  /**
   * What was never appended cannot be acked. It survives the death of the process at once, and loss of power after a
   * second.
   */
  ack(cursor: string, epoch: number, ranges: readonly Range[]): void {
    if (this.books.cursors.has(cursor)) this.books.ack(cursor, epoch, ranges);
  }

  /** The lowest position, behind `after`, that is not acked by this cursor, or by all. */
  floor(cursor?: string, after = POSITION_ZERO): Position {
    const { cursors } = this.books;
    const acked = cursor === undefined ? cursors.gone : cursors.set(cursor);
    return acked.nextMissing(behind(after));
  }

  hasNew(after: Position): boolean {
    if (comparePositions(this.books.store.last, after) > 0) return true;
    const last = this.books.hot.freshLastPosition();
    return last !== undefined && last.sequence > 0 && comparePositions(last, after) > 0;
  }

  /** Resolves when all acks so far would survive the death of the process. */
  flushed(): Promise<void> {
    return Promise.resolve();
  }

  statistics(): DrainStatistics {
    return statisticsOf(this.books);
  }

  /**
   * Gives up the oldest pending batches of this cursor, behind `after`, until about `bytesMax` bytes are pending;
   * they are counted as `plugin_behind`. With `after` a reader keeps what it has read and not acked; with `to`, what is
   * behind it is as if it were not there.
   */
  limitCursor(cursor: string, bytesMax: number, after = POSITION_ZERO, to?: Position): Amount {
    return attempt(this.fault, () => limitCursor(this.books, cursor, bytesMax, after, to), NO_AMOUNT);
  }

  /** It begins with what is still there; that of a plugin with what comes from now on. */
  addCursor(name: string): void {
    const { cursors } = this.books;
    if (cursors.has(name)) return;
    cursors.add(name, this.books.newest());
    this.books.changed();
  }

  removeCursor(name: string): void {
    this.books.cursors.remove(name);
    this.books.changed();
  }

  /** Saves the cursors; what is in hot stays there, where it survives everything but the loss of power. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    await this.writing.run(() => this.books.save()).catch(this.fault);
    await this.abandon();
  }

  /** Lets everything go with nothing saved, as a kill would. */
  async abandon(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.timer);
    await this.books.close();
  }

  protected readonly fault = (error: unknown): void => {
    if (!this.isClosed) this.faults.report(error);
  };

  /** A batch at the head of hot must be in the store before it is read. */
  protected abstract needsCheckpoint(): void;
}
