import { type Cleanup } from '@k2hft/test-harness';
import { settleDisk } from './files.js';
import { startHelper } from './helper-program.js';
import { percentile } from './statistics.js';
import type { Subject } from './subject.js';

export const LINES_PER_SECOND = 100;
/** How long the last lines may be under way. */
const GRACE_SECONDS = 15;

export interface LatencyRun {
  subject: string;
  lineBytes: number;
  lines: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Writes single lines at a steady pace, and takes the time from before each write(2) until it can be read. */
export async function runLatency(
  cleanup: Cleanup,
  subject: Subject,
  plan: { lineBytes: number; seconds: number; name: string; folder: string },
): Promise<LatencyRun> {
  const { lineBytes, seconds } = plan;
  const lines = seconds * LINES_PER_SECOND;
  await settleDisk(cleanup, plan.folder);
  const road = subject.road(plan.name);
  const limitSeconds = seconds + GRACE_SECONDS;
  const looker = startHelper<{ seen: number[] }>(cleanup, 'look-program.js', [
    road.outOf,
    lineBytes,
    lines,
    limitSeconds,
  ]);
  const writer = startHelper<{ written: number[] }>(cleanup, 'pace-program.js', [
    road.into,
    lineBytes,
    lines,
    LINES_PER_SECOND,
  ]);
  await Promise.all([looker.ready, writer.ready]);
  const limitMs = (limitSeconds + GRACE_SECONDS) * 1000;
  const [{ seen }, { written }] = await Promise.all([looker.go(limitMs), writer.go(limitMs)]);
  road.remove();
  const latencies = written.map((before, number) => {
    const after = seen[number] ?? 0;
    if (after === 0) throw new Error(`line ${number} of ${lines} did not come out of ${subject.name}`);
    return (after - before) * 1000;
  });
  return {
    subject: subject.name,
    lineBytes,
    lines,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    maxMs: Math.max(...latencies),
  };
}
