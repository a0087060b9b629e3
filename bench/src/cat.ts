import { sleep, startProcess, type Cleanup } from '@k2hft/test-harness';
import { nowSeconds } from './clock.js';
import { requireSameContent, settleDisk, waitForBytes } from './files.js';
import { cpuSecondsByRole, cpuSecondsOf, cpuSecondsOfEndedChildren } from './processes.js';
import type { Subject } from './subject.js';

/** A run that takes longer has lost something. */
const LIMIT_MS = 120_000;
/** Acknowledgements and checkpoints go on after the last byte is there; their cost belongs to the run. */
const TRAILING_MS = 500;

export interface LinesFile {
  file: string;
  lineBytes: number;
  lines: number;
  bytes: number;
}

export interface CatRun {
  subject: string;
  lineBytes: number;
  lines: number;
  bytes: number;
  /** From before cat was started until the last byte was in the output. */
  seconds: number;
  /** Until cat had ended. */
  catSeconds: number;
  catCpuSeconds: number;
  /** Of all processes of the subject. */
  cpuSeconds: number;
  cpuSecondsByRole: Record<string, number>;
}

/** Lets cat write a file of lines into `subject`, and waits until it has come out. */
export async function runCat(
  cleanup: Cleanup,
  subject: Subject,
  input: LinesFile,
  run: {
    name: string;
    folder: string;
    compare: boolean;
    /** What comes out when cat has this process id; as much as goes in when absent. */
    outputBytes?: (pid: number) => number;
  },
): Promise<CatRun> {
  await settleDisk(cleanup, run.folder);
  const road = subject.road(run.name);
  const cpuBefore = cpuSecondsOf(subject.roles);
  const cpuByRoleBefore = cpuSecondsByRole(subject.roles);
  const childrenBefore = cpuSecondsOfEndedChildren();
  const start = nowSeconds();
  const cat = startProcess(cleanup, 'sh', ['-c', 'exec cat "$1" >>"$2"', 'sh', input.file, road.into]);
  const status = await cat.ended;
  const catSeconds = nowSeconds() - start;
  if (status !== 0) throw new Error(`cat into ${subject.name} ended with ${status}:\n${cat.output()}`);
  const outputBytes = run.outputBytes?.(cat.pid) ?? input.bytes;
  await waitForBytes([road.outOf], outputBytes, LIMIT_MS);
  const seconds = nowSeconds() - start;
  const catCpuSeconds = cpuSecondsOfEndedChildren() - childrenBefore;
  if (Object.keys(subject.roles).length > 0) await sleep(TRAILING_MS);
  const cpuSeconds = cpuSecondsOf(subject.roles) - cpuBefore;
  const byRole = cpuSecondsByRole(subject.roles);
  for (const [role, before] of Object.entries(cpuByRoleBefore)) byRole[role] = (byRole[role] ?? 0) - before;
  if (run.compare) await requireSameContent(cleanup, input.file, road.outOf);
  road.remove();
  const { lineBytes, lines, bytes } = input;
  const measured = { seconds, catSeconds, catCpuSeconds, cpuSeconds, cpuSecondsByRole: byRole };
  return { subject: subject.name, lineBytes, lines, bytes, ...measured };
}
