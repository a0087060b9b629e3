/** Names the folder to the processes that are profiled. */
export const PROFILE_DIR_VARIABLE = 'K2HFT_BENCH_PROFILE_DIR';

/** The parts of a V8 .cpuprofile that are used here. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds between two samples. */
  timeDeltas: number[];
}

export interface SelfTime {
  where: string;
  seconds: number;
}

/** Time spent in each function itself, the most first. */
export function selfTimes(profile: CpuProfile): SelfTime[] {
  const names = new Map(profile.nodes.map((node) => [node.id, describe(node.callFrame)]));
  const seconds = new Map<string, number>();
  profile.samples.forEach((id, place) => {
    const where = names.get(id) ?? '(unknown)';
    seconds.set(where, (seconds.get(where) ?? 0) + (profile.timeDeltas[place] ?? 0) / 1e6);
  });
  return [...seconds]
    .map(([where, time]) => ({ where, seconds: time }))
    .sort((a, b) => b.seconds - a.seconds);
}

function describe({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = url.split('/').slice(-3).join('/');
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}
