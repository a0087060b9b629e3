import { readFileSync } from 'node:fs';
import { parseMemory, parseStat, type MemoryBytes } from './proc-stat.js';

/** Processes that are measured, by the name of what they do. */
export type Roles = Readonly<Record<string, number>>;

/** Processor time that all of `roles` have used since they were started, in seconds. */
export function cpuSecondsOf(roles: Roles): number {
  let total = 0;
  for (const pid of Object.values(roles)) total += parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).own;
  return total;
}

/** Processor time of each of `roles`, in seconds. */
export function cpuSecondsByRole(roles: Roles): Record<string, number> {
  return Object.fromEntries(
    Object.entries(roles).map(([role, pid]) => [role, cpuSecondsOf({ [role]: pid })]),
  );
}

/** Processor time of the children of this process that have ended. */
export function cpuSecondsOfEndedChildren(): number {
  return parseStat(readFileSync('/proc/self/stat', 'utf8')).children;
}

export function memoryByRole(roles: Roles): Record<string, MemoryBytes> {
  return Object.fromEntries(
    Object.entries(roles).map(([role, pid]) => [
      role,
      parseMemory(readFileSync(`/proc/${pid}/status`, 'utf8')),
    ]),
  );
}
