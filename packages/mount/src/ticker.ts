import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TICK_NAME } from './tick-name.js';

const TICK_MS = 1_000;
/** While requests wait for room or for a checkpoint, time comes to the worker this often. */
const WAITING_TICK_MS = 20;
/** A worker that has not answered for this long hangs. */
const HANG_MS = 10_000;

export interface TickerOptions {
  mountPoint: string;
  /** The worker answered. */
  answered(): void;
  /** The worker has not answered within {@link HANG_MS}. Called once per unanswered tick. */
  hangs(): void;
}

/**
 * Looks up a reserved name in the mount, so that the worker, which is blocked in a read, has a sense of time. A
 * look-up that is not answered is the sign of a worker that hangs. One look-up at a time: each holds a thread.
 */
export class Ticker {
  private timer: NodeJS.Timeout | undefined;
  private underWay = false;
  private again = false;
  private stopped = false;
  private waiting = false;

  constructor(private readonly options: TickerOptions) {}

  start(): void {
    this.tick();
  }

  /** Requests wait in the worker (or none does any more): tick faster. */
  setWaiting(waiting: boolean): void {
    this.waiting = waiting;
    if (waiting) this.tick();
  }

  get isWaiting(): boolean {
    return this.waiting;
  }

  /** Ticks now; if a tick is under way, once more after it. */
  tick(): void {
    if (this.stopped) return;
    if (this.underWay) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.underWay = true;
    const watchdog = setTimeout(() => {
      this.options.hangs();
    }, HANG_MS);
    const done = () => {
      clearTimeout(watchdog);
      this.underWay = false;
      this.schedule();
    };
    // The name never exists: ENOENT is the worker's answer. Any other error is the kernel's, not the worker's.
    stat(join(this.options.mountPoint, TICK_NAME)).then(done, (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.options.answered();
      done();
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.stopped) return;
    if (this.again) {
      this.again = false;
      this.tick();
      return;
    }
    this.timer = setTimeout(
      () => {
        this.tick();
      },
      this.waiting ? WAITING_TICK_MS : TICK_MS,
    );
  }
}
