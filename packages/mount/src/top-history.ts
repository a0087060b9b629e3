import type { MountStatus } from './mount-status-content.js';

/** What a trend shows: with a look each second, the last half minute. */
const TREND_LENGTH = 30;

export interface TopRates {
  writesPerSecond: number;
  recordsPerSecond: number;
  bytesPerSecond: number;
  droppedPerSecond: number;
  /** Mean time of the calls since the look before, in milliseconds; undefined without any. */
  writeMs: number | undefined;
  fsyncMs: number | undefined;
}

/** The last looks at a mount, and what changed between them. */
export class TopHistory {
  /** Undelivered batches, and the age of the oldest in milliseconds; the newest last. */
  readonly depths: number[] = [];
  readonly ages: number[] = [];
  private before: MountStatus | undefined;
  private now: MountStatus | undefined;

  add(status: MountStatus): void {
    this.before = this.now;
    this.now = status;
    push(this.depths, status.queue.batches);
    push(this.ages, status.queue.oldestMs ?? 0);
  }

  get status(): MountStatus | undefined {
    return this.now;
  }

  /** Undefined before the second look, and when the worker is another one: its counters began anew. */
  rates(): TopRates | undefined {
    const [before, now] = [this.before?.worker, this.now?.worker];
    if (before === undefined || now === undefined || before.pid !== now.pid) return undefined;
    const seconds = ((this.now?.atMs ?? 0) - (this.before?.atMs ?? 0)) / 1000;
    if (seconds <= 0) return undefined;
    const dropped = (worker: typeof now) =>
      Object.values(worker.drops).reduce((sum, { lines }) => sum + lines, 0);
    return {
      writesPerSecond: (now.writes - before.writes) / seconds,
      recordsPerSecond: (now.queue.appended.records - before.queue.appended.records) / seconds,
      bytesPerSecond: (now.bytes - before.bytes) / seconds,
      droppedPerSecond: (dropped(now) - dropped(before)) / seconds,
      writeMs: meanMs(before.operations['write'], now.operations['write']),
      fsyncMs: meanMs(before.operations['fsync'], now.operations['fsync']),
    };
  }
}

interface Calls {
  calls: number;
  seconds: number;
}

function meanMs(before: Calls | undefined, now: Calls | undefined): number | undefined {
  const calls = (now?.calls ?? 0) - (before?.calls ?? 0);
  if (calls <= 0) return undefined;
  return (((now?.seconds ?? 0) - (before?.seconds ?? 0)) / calls) * 1000;
}

function push(values: number[], value: number): void {
  values.push(value);
  if (values.length > TREND_LENGTH) values.shift();
}
