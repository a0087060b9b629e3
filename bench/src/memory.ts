import { sleep } from '@k2hft/test-harness';
import { nowSeconds } from './clock.js';
import type { MemoryBytes } from './proc-stat.js';
import { cpuSecondsByRole, memoryByRole } from './processes.js';
import type { Subject } from './subject.js';

/** What is left to do after a run is done by then. */
const REST_MS = 2_000;
export const IDLE_SECONDS = 5;

export interface RestingRun {
  subject: string;
  memory: Record<string, MemoryBytes>;
  /** Share of one core, in per cent, while nothing is written. */
  idleCpuPercent: Record<string, number>;
}

/** Looks at the memory and the idle processor time of processes that have nothing to do. */
export async function runResting(subject: Subject): Promise<RestingRun> {
  await sleep(REST_MS);
  const memory = memoryByRole(subject.roles);
  const before = cpuSecondsByRole(subject.roles);
  const start = nowSeconds();
  await sleep(IDLE_SECONDS * 1000);
  const after = cpuSecondsByRole(subject.roles);
  const seconds = nowSeconds() - start;
  const idleCpuPercent = Object.fromEntries(
    Object.entries(after).map(([role, cpu]) => [role, ((cpu - (before[role] ?? 0)) / seconds) * 100]),
  );
  return { subject: subject.name, memory, idleCpuPercent };
}
