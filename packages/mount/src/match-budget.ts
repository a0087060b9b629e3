import { finishesWithin } from './timed-call.js';

/** What all lines together may take beyond what a line costs: at once, and again every second. */
const SLOW_MS_MAX = 1000;
const SLOW_MS_PER_SECOND = 250;

/** A write has so much in any case: one that holds nothing slow must not suffer from those before it, nor from a busy machine. */
const WRITE_MS_MIN = 50;

/** What a line may cost without being slow: some ten times what it does, and for each character what the linear engine takes. */
const LINE_MS_FREE = 0.1;
const CHARACTER_MS_FREE = 50e-6;

/** The clock is looked at once for so many lines: that costs a tenth of a microsecond. */
const LINES_AT_ONCE = 8;

/** A line that takes longer is matched with the linear engine, or given up. A common line takes a microsecond. */
const LINE_MS_MAX = 50;

/**
 * A machine that stands still, or works for others, is no fault of the lines: what counts is the time that has passed, but not more
 * than so many times what the processor has worked. A machine that is this busy counts as it is.
 */
const PROCESSOR_SHARE = 4;

/**
 * So much of the time that was allowed and has passed counts in any case: requests wait also where next to nothing of the
 * processor is left to us, and it has to be more than SLOW_MS_PER_SECOND gives back meanwhile. What goes beyond the
 * allowed time is a standstill.
 */
const PASSED_SHARE = 0.5;

/** A line that was stopped before it had half of its time is tried so often in all. */
const TRIES_MAX = 3;

/**
 * How long patterns may run away, whichever rule's and whoever writes: requests wait for one another, and a worker
 * that answers nobody for 10 s is taken for hung. Half of that time at most goes by here.
 */
export class SlowTime {
  private leftMs = SLOW_MS_MAX;
  private filledAtMs = -Infinity;

  constructor(
    readonly nowMs: () => number = () => performance.now(),
    /** What this process has used of the processor. */
    readonly processorMs: () => number = usedMs,
  ) {}

  left(): number {
    const nowMs = this.nowMs();
    const filledMs = ((nowMs - this.filledAtMs) / 1000) * SLOW_MS_PER_SECOND;
    this.leftMs = Math.min(SLOW_MS_MAX, this.leftMs + filledMs);
    this.filledAtMs = nowMs;
    return Math.max(WRITE_MS_MIN, this.leftMs);
  }

  spend(ms: number): void {
    this.leftMs -= ms;
  }
}

function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** How long the lines of one write may be matched with patterns that only the clock can stop, and what came of it. */
export class MatchBudget {
  /** Patterns that were given up while the line went on, and how often. */
  readonly undecided = new Set<string>();
  undecidedTests = 0;
  private leftMs: number;

  constructor(private readonly time: SlowTime) {
    this.leftMs = time.left();
  }

  giveUp(pattern: string): void {
    this.undecided.add(pattern);
    this.undecidedTests++;
  }

  /** False: the time is over, or there was none left. */
  run(action: () => void): boolean {
    return this.runFor(LINE_MS_MAX, action);
  }

  /** For what takes long, but not without an end. */
  runLinear(action: () => void): boolean {
    return this.runFor(Infinity, action);
  }

  /**
   * For many lines: only what single lines take too long for counts, and something is left for the one it stops at. `lineDone` has to be called with a line's length after each
   * of them.
   */
  runLines(action: (lineDone: (characters: number) => void) => void): boolean {
    if (this.leftMs <= 0) return false;
    let slowMs = 0;
    const processorMs = this.time.processorMs();
    let sinceMs = this.time.nowMs();
    let [lines, freeMs] = [0, 0];
    const triedMs = Math.min(LINE_MS_MAX, this.leftMs / 2);
    const finished = finishesWithin(triedMs, () => {
      action((characters) => {
        freeMs += LINE_MS_FREE + characters * CHARACTER_MS_FREE;
        if (++lines % LINES_AT_ONCE !== 0) return;
        const nowMs = this.time.nowMs();
        if (nowMs - sinceMs > freeMs) slowMs += nowMs - sinceMs;
        sinceMs = nowMs;
        freeMs = 0;
      });
    });
    this.spend(finished ? slowMs : slowMs + this.time.nowMs() - sinceMs, triedMs, processorMs);
    return finished;
  }

  private runFor(limitMs: number, action: () => void): boolean {
    for (let tried = 0; tried < TRIES_MAX && this.leftMs > 0; tried++) {
      const triedMs = Math.min(limitMs, this.leftMs);
      const processorMs = this.time.processorMs();
      const startedMs = this.time.nowMs();
      const finished = finishesWithin(triedMs, action);
      const workedMs = this.spend(this.time.nowMs() - startedMs, triedMs, processorMs);
      if (finished) return true;
      if (workedMs >= triedMs / 2) return false;
    }
    return false;
  }

  /**
   * Takes so much time, of which `triedMs` were allowed, and in which the processor has worked since `processorMs`, off what is
   * left. Returns what of it the lines have had.
   */
  private spend(passedMs: number, triedMs: number, processorMs: number): number {
    const workedMs = Math.min(passedMs, PROCESSOR_SHARE * (this.time.processorMs() - processorMs));
    const ms = Math.max(workedMs, PASSED_SHARE * Math.min(passedMs, triedMs));
    this.leftMs -= ms;
    this.time.spend(ms);
    return workedMs;
  }
}
