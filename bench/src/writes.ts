import { join } from 'node:path';
import { sleep, type Cleanup } from '@k2hft/test-harness';
import { nowSeconds } from './clock.js';
import { requireSameContent, settleDisk, waitForBytes } from './files.js';
import { startHelper } from './helper-program.js';
import { makeLinesFile } from './lines.js';
import { cpuSecondsOf } from './processes.js';
import type { Road, Subject } from './subject.js';

const LIMIT_MS = 120_000;
/** Acknowledgements go on after the last line is there; their cost belongs to the run. */
const TRAILING_MS = 500;

export interface WritesRun {
  subject: string;
  lineBytes: number;
  writers: number;
  /** Of all writers together. */
  writes: number;
  /** From the first writer's start to the last one's end. */
  writeSeconds: number;
  /** From the first writer's start until everything was in the output. */
  completeSeconds: number;
  cpuSeconds: number;
}

export interface WritesPlan {
  lineBytes: number;
  writers: number;
  /** Of all writers together. */
  writes: number;
  name: string;
  folder: string;
  compare: boolean;
}

interface Times {
  start: number;
  end: number;
}

/** Lets programs write single lines at the same time, each into a file of its own. */
export async function runWrites(cleanup: Cleanup, subject: Subject, plan: WritesPlan): Promise<WritesRun> {
  const { lineBytes, writers } = plan;
  const each = Math.floor(plan.writes / writers);
  await settleDisk(cleanup, plan.folder);
  const roads = Array.from({ length: writers }, (_, index) => subject.road(`${plan.name}-${index}`));
  const programs = roads.map((road) =>
    startHelper<Times>(cleanup, 'write-program.js', [road.into, lineBytes, each]),
  );
  await Promise.all(programs.map((program) => program.ready));
  const cpuBefore = cpuSecondsOf(subject.roles);
  const outputs = roads.map((road) => road.outOf);
  const complete = waitForBytes(outputs, writers * each * lineBytes, LIMIT_MS).then(nowSeconds);
  const [completeAt, ...times] = await Promise.all([
    complete,
    ...programs.map((program) => program.go(LIMIT_MS)),
  ]);
  if (Object.keys(subject.roles).length > 0) await sleep(TRAILING_MS);
  const cpuSeconds = cpuSecondsOf(subject.roles) - cpuBefore;
  const start = Math.min(...times.map((time) => time.start));
  const end = Math.max(...times.map((time) => time.end));
  if (plan.compare) await compareAll(cleanup, plan, roads, each);
  for (const road of roads) road.remove();
  return {
    subject: subject.name,
    lineBytes,
    writers,
    writes: writers * each,
    writeSeconds: end - start,
    completeSeconds: Math.max(completeAt, end) - start,
    cpuSeconds,
  };
}

/** Every writer writes the same numbered lines. */
async function compareAll(
  cleanup: Cleanup,
  plan: WritesPlan,
  roads: readonly Road[],
  each: number,
): Promise<void> {
  const expected = join(plan.folder, 'expected-writes');
  makeLinesFile(expected, plan.lineBytes, each);
  for (const road of roads) await requireSameContent(cleanup, expected, road.outOf);
}
