import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Roles } from './processes.js';
import { selfTimes, type CpuProfile } from './profile.js';
import { formatTable } from './table.js';

const FUNCTIONS_SHOWN = 10;
/** Node names them CPU.date.time.PID.thread.number.cpuprofile. */
const NAME = /^CPU\.\d+\.\d+\.(\d+)\.\d+\.\d+\.cpuprofile$/;

/** Where each process spent its time, by the profiles that it left in `folder`. A thread blocked in a read counts. */
export function formatProfiles(folder: string, roles: Roles): string {
  const byPid = new Map(Object.entries(roles).map(([role, pid]) => [String(pid), role]));
  const tables = readdirSync(folder).flatMap((name) => {
    const role = byPid.get(NAME.exec(name)?.[1] ?? '');
    if (role === undefined) return [];
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile;
    const rows = selfTimes(profile)
      .slice(0, FUNCTIONS_SHOWN)
      .map(({ where, seconds }) => [where, seconds]);
    return [formatTable([`${role}: function itself`, 'seconds'], rows)];
  });
  return tables.join('\n\n');
}
