import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { TICK_NAME } from './tick-name.js';

const TICK_MS = 1_000;
/** While requests wait for room or for a checkpoint, time comes to the worker this often. */
const WAITING_TICK_MS = 20;
/** A worker that has not answered for this long hangs. */
const HANG_MS = 10_000;
/** Before a shell that ended is started again. */
const LOOKER_PAUSE_MS = 500;

/**
 * Looks the name up for each line that it reads, and answers with a line. It is a process of its own, and does not
 * hold /dev/fuse: a look-up whose worker was killed cannot be interrupted, and in the supervisor it would keep
 * /dev/fuse, and so the mount, alive after the supervisor's own death. `[` is built into every shell, so a tick
 * starts no process.
 */
const LOOKER = 'while read -r line; do [ -e "$0" ]; echo; done';

export interface TickerOptions {
  mountPoint: string;
  /** The worker answered. */
  answered(): void;
  /** The worker has not answered within {@link HANG_MS}. */
  hangs(): void;
}

/**
 * Looks up a reserved name in the mount, so that the worker, which is blocked in a read, has a sense of time. A
 * look-up that is not answered is the sign of a worker that hangs. One look-up at a time.
 */
export class Ticker {
  private looker: ChildProcessByStdio<Writable, Readable, null> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private watchdog: NodeJS.Timeout | undefined;
  private underWay = false;
  private again = false;
  private stopped = false;
  private waiting = false;

  constructor(private readonly options: TickerOptions) {}

  start(): void {
    this.startLooker();
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
    this.watch();
    this.looker?.stdin.write('\n');
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.looker?.kill('SIGKILL');
  }

  /** The resent look-up of a worker that hung may be answered by the next one: until then it is told again and again. */
  private watch(): void {
    this.watchdog = setTimeout(() => {
      this.options.hangs();
      this.watch();
    }, HANG_MS);
  }

  private startLooker(): void {
    const name = join(this.options.mountPoint, TICK_NAME);
    const looker = spawn('sh', ['-c', LOOKER, name], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    this.looker = looker;
    looker.stdout.on('data', () => {
      this.lookedUp();
    });
    looker.stdin.on('error', () => undefined);
    looker.once('error', () => undefined);
    looker.once('exit', () => {
      // Somebody killed it. The answer that it owed will not come.
      setTimeout(() => {
        if (this.stopped) return;
        this.startLooker();
        if (this.underWay) this.looker?.stdin.write('\n');
      }, LOOKER_PAUSE_MS);
    });
  }

  private lookedUp(): void {
    if (!this.underWay) return;
    clearTimeout(this.watchdog);
    this.underWay = false;
    this.options.answered();
    this.schedule();
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
