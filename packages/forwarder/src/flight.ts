import type { Position } from '@k2hft/queue';
import type { SequenceRange } from './queue-source.js';

/** Consecutive batches of one epoch. */
interface Run {
  readonly epoch: number;
  first: number;
  last: number;
  bytes: number;
  records: number;
}

export interface Amount {
  batches: number;
  records: number;
  bytes: number;
}

/** What an acknowledgement has really acknowledged. */
export interface Landed extends Amount {
  ranges: SequenceRange[];
}

/** Batches are counted together up to this size. Large runs would make the share of one batch too rough. */
const RUN_BYTES_MAX = 256 * 1024;

/**
 * What was sent to one server and is not acknowledged: not the bytes, which the queue still has, only which they
 * are. Batches are added in ascending order. Within a run that is acknowledged in parts, bytes and records are
 * shared out evenly; the sums are exact.
 */
export class Flight {
  /** The connection is gone: this can be acknowledged no more, and has to be sent again. */
  stale = false;
  /** The server complained of something that is among these. */
  suspect = false;
  /** When it last began to wait: at the first batch, or at the last acknowledgement. */
  progressMs = 0;
  readonly total: Amount = { batches: 0, records: 0, bytes: 0 };
  #runs: Run[] = [];

  get empty(): boolean {
    return this.#runs.length === 0;
  }

  /** Something of it may still be acknowledged. */
  get canLand(): boolean {
    return !this.empty && !this.stale;
  }

  /** The lowest position in flight. */
  first(): Position | undefined {
    const run = this.#runs[0];
    return run && { epoch: run.epoch, sequence: run.first };
  }

  /** The highest. */
  last(): Position | undefined {
    const run = this.#runs.at(-1);
    return run && { epoch: run.epoch, sequence: run.last };
  }

  add(position: Position, bytes: number, records: number, nowMs: number): void {
    if (this.empty) this.progressMs = nowMs;
    const run = this.#runs.at(-1);
    if (
      run?.epoch === position.epoch &&
      run.last + 1 === position.sequence &&
      run.bytes + bytes <= RUN_BYTES_MAX
    ) {
      run.last = position.sequence;
      run.bytes += bytes;
      run.records += records;
    } else {
      this.#runs.push({
        epoch: position.epoch,
        first: position.sequence,
        last: position.sequence,
        bytes,
        records,
      });
    }
    this.total.batches += 1;
    this.total.records += records;
    this.total.bytes += bytes;
  }

  /**
   * Takes out what is in `ranges` (ascending). What is not in flight, because it was acknowledged before or never
   * sent, is not in the result either: a confused server cannot make the queue forget anything.
   */
  land(epoch: number, ranges: readonly SequenceRange[], nowMs: number): Landed {
    const landed: Landed = { ranges: [], batches: 0, records: 0, bytes: 0 };
    const left: Run[] = [];
    let index = 0;
    for (const run of this.#runs) {
      if (run.epoch === epoch) {
        while ((ranges[index]?.[1] ?? Infinity) < run.first) index += 1;
        landFrom(run, ranges, index, landed, left);
      } else {
        left.push(run);
      }
    }
    this.#runs = left;
    this.total.batches -= landed.batches;
    this.total.records -= landed.records;
    this.total.bytes -= landed.bytes;
    if (landed.batches > 0) this.progressMs = nowMs;
    return landed;
  }

  clear(): void {
    this.#runs = [];
    this.stale = false;
    this.suspect = false;
    Object.assign(this.total, { batches: 0, records: 0, bytes: 0 });
  }
}

/** Moves the parts of `run` that are in `ranges[index..]` to `landed`, and the others to `left`. */
function landFrom(
  run: Run,
  ranges: readonly SequenceRange[],
  index: number,
  landed: Landed,
  left: Run[],
): void {
  let rest: Run | undefined = run;
  for (let next = index; rest !== undefined; next += 1) {
    const range = ranges[next];
    if (range === undefined || range[0] > rest.last) {
      left.push(rest);
      return;
    }
    if (range[0] > rest.first) left.push(takeFront(rest, range[0] - 1));
    const whole: boolean = range[1] >= rest.last;
    const hit: Run = whole ? rest : takeFront(rest, range[1]);
    landed.batches += hit.last - hit.first + 1;
    landed.records += hit.records;
    landed.bytes += hit.bytes;
    appendRange(landed.ranges, hit.first, hit.last);
    if (whole) rest = undefined;
  }
}

/** Cuts the batches up to and including `last` off the front of `run`. */
function takeFront(run: Run, last: number): Run {
  const share = (last - run.first + 1) / (run.last - run.first + 1);
  const bytes = Math.round(run.bytes * share);
  const records = Math.round(run.records * share);
  const front = { epoch: run.epoch, first: run.first, last, bytes, records };
  run.first = last + 1;
  run.bytes -= bytes;
  run.records -= records;
  return front;
}

function appendRange(ranges: SequenceRange[], first: number, last: number): void {
  const previous = ranges.at(-1);
  if (previous !== undefined && previous[1] + 1 === first) previous[1] = last;
  else ranges.push([first, last]);
}
