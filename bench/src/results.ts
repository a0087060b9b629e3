import type { CatRun } from './cat.js';
import type { LatencyRun } from './latency.js';
import type { RestingRun } from './memory.js';
import { median } from './statistics.js';
import type { WritesRun } from './writes.js';

/** Every single run, in the order in which they were made. This is what `--json` writes. */
export interface Results {
  machine: { cpu: string; cores: number; memoryBytes: number; kernel: string; node: string };
  runs: number;
  mode: string;
  cat: CatRun[];
  writes: WritesRun[];
  latency: LatencyRun[];
  resting: RestingRun[];
  filters?: FilterFigures;
  /** What a reader of the figures has to know, such as a peer that is missing. */
  remarks: string[];
}

/** What rules and formats cost. */
export interface FilterFigures {
  through: (CatRun & { variant: string })[];
  alone: { name: string; linesPerSecond: number; singleLinesPerSecond: number }[];
}

export interface CatFigures {
  bytes: number;
  linesPerSecond: number;
  megabytesPerSecond: number;
  catMegabytesPerSecond: number;
  catCpuSecondsPerGigabyte: number;
  cpuSecondsPerGigabyte: number;
}

/** Medians of the runs of one subject with one line length; undefined when there were none. */
export function catFigures(results: Results, subject: string, lineBytes: number): CatFigures | undefined {
  const runs = results.cat.filter((run) => run.subject === subject && run.lineBytes === lineBytes);
  const first = runs[0];
  if (first === undefined) return undefined;
  const of = (figure: (run: CatRun) => number) => median(runs.map(figure));
  return {
    bytes: first.bytes,
    linesPerSecond: of((run) => run.lines / run.seconds),
    megabytesPerSecond: of((run) => run.bytes / run.seconds / 1e6),
    catMegabytesPerSecond: of((run) => run.bytes / run.catSeconds / 1e6),
    catCpuSecondsPerGigabyte: of((run) => (run.catCpuSeconds / run.bytes) * 1e9),
    cpuSecondsPerGigabyte: of((run) => (run.cpuSeconds / run.bytes) * 1e9),
  };
}

export interface WritesFigures {
  writes: number;
  writesPerSecond: number;
  completePerSecond: number;
  cpuMicrosecondsPerLine: number;
}

/** Medians of the runs of one subject, line length and number of writers; undefined when there were none. */
export function writesFigures(
  results: Results,
  subject: string,
  lineBytes: number,
  writers: number,
): WritesFigures | undefined {
  const runs = results.writes.filter(
    (run) => run.subject === subject && run.lineBytes === lineBytes && run.writers === writers,
  );
  const first = runs[0];
  if (first === undefined) return undefined;
  const of = (figure: (run: WritesRun) => number) => median(runs.map(figure));
  return {
    writes: first.writes,
    writesPerSecond: of((run) => run.writes / run.writeSeconds),
    completePerSecond: of((run) => run.writes / run.completeSeconds),
    cpuMicrosecondsPerLine: of((run) => (run.cpuSeconds / run.writes) * 1e6),
  };
}

/** Line lengths that were measured, ascending. */
export function sizesOf(runs: readonly { lineBytes: number }[]): number[] {
  return [...new Set(runs.map((run) => run.lineBytes))].sort((a, b) => a - b);
}
