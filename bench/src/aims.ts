import type { Results } from './results.js';
import { catFigures, sizesOf, writesFigures } from './results.js';
import { median } from './statistics.js';

/** A figure that k2hft is meant to reach, and what it reached. */
export interface AimOutcome {
  what: string;
  aim: number;
  /** Whether more is better. */
  atLeast: boolean;
  unit: string;
  reached: number;
}

const LINES_PER_SECOND: ReadonlyMap<number, number> = new Map([
  [10, 20e6],
  [200, 1.2e6],
  [1024, 250e3],
  [4096, 65e3],
]);
const CPU_SECONDS_PER_GIGABYTE = 6;
const WRITES_PER_SECOND = 30_000;
const LATENCY_P50_MS = 3;
const LATENCY_P99_MS = 20;
const RESIDENT_MEGABYTES = 120;
const IDLE_CPU_PERCENT = 0.5;

/** The aims for which there are figures. */
export function compareWithAims(results: Results): AimOutcome[] {
  const outcomes = [
    ...catAims(results),
    ...writesAims(results),
    ...latencyAims(results),
    ...restingAims(results),
  ];
  return outcomes.filter((outcome) => !Number.isNaN(outcome.reached));
}

export function isMet(outcome: AimOutcome): boolean {
  return outcome.atLeast ? outcome.reached >= outcome.aim : outcome.reached <= outcome.aim;
}

function catAims(results: Results): AimOutcome[] {
  return sizesOf(results.cat).flatMap((size) => {
    const figures = catFigures(results, 'k2hft', size);
    const aim = LINES_PER_SECOND.get(size);
    if (figures === undefined) return [];
    const cpu = {
      what: `cat, ${size} bytes: processor time`,
      aim: CPU_SECONDS_PER_GIGABYTE,
      atLeast: false,
      unit: 'CPU s/GB',
      reached: figures.cpuSecondsPerGigabyte,
    };
    if (aim === undefined) return [cpu];
    return [
      { what: `cat, ${size} bytes`, aim, atLeast: true, unit: 'lines/s', reached: figures.linesPerSecond },
      cpu,
    ];
  });
}

function writesAims(results: Results): AimOutcome[] {
  return sizesOf(results.writes).map((size) => ({
    what: `writes of ${size} bytes, one program`,
    aim: WRITES_PER_SECOND,
    atLeast: true,
    unit: 'writes/s',
    reached: writesFigures(results, 'k2hft', size, 1)?.writesPerSecond ?? NaN,
  }));
}

function latencyAims(results: Results): AimOutcome[] {
  return sizesOf(results.latency).flatMap((size) => {
    const runs = results.latency.filter((run) => run.subject === 'k2hft' && run.lineBytes === size);
    const aim = { atLeast: false, unit: 'ms' };
    return [
      {
        ...aim,
        what: `latency p50, ${size} bytes`,
        aim: LATENCY_P50_MS,
        reached: median(runs.map((run) => run.p50Ms)),
      },
      {
        ...aim,
        what: `latency p99, ${size} bytes`,
        aim: LATENCY_P99_MS,
        reached: median(runs.map((run) => run.p99Ms)),
      },
    ];
  });
}

/** The process that needs most decides. */
function restingAims(results: Results): AimOutcome[] {
  const run = results.resting.find((one) => one.subject === 'k2hft');
  if (run === undefined) return [];
  const resident = Math.max(...Object.values(run.memory).map((memory) => memory.resident)) / 1e6;
  const idle = Object.values(run.idleCpuPercent).reduce((sum, percent) => sum + percent, 0);
  return [
    {
      what: 'memory of the largest process',
      aim: RESIDENT_MEGABYTES,
      atLeast: false,
      unit: 'MB',
      reached: resident,
    },
    {
      what: 'idle, all processes together',
      aim: IDLE_CPU_PERCENT,
      atLeast: false,
      unit: '% of a core',
      reached: idle,
    },
  ];
}
