import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Roles } from './processes.js';
import { selfTimes, type CpuProfile } from './profile.js';
import { formatTable } from './table.js';

const FUNCTIONS_SHOWN = 10;

/** Where each process spent its time, by the profiles that it left in `folder`. A thread blocked in a read counts. */
export function formatProfiles(folder: string, roles: Roles): string {
  const files = readdirSync(folder);
  const tables = Object.entries(roles).map(([role, pid]) => {
    const file = `${pid}.cpuprofile`;
    // Who was killed leaves none.
    if (!files.includes(file)) return `${role}: left no profile`;
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
    const rows = selfTimes(profile)
      .slice(0, FUNCTIONS_SHOWN)
      .map(({ where, seconds }) => [where, seconds]);
    return formatTable([`${role}: function itself`, 'seconds'], rows);
  });
  return tables.join('\n\n');
}
