import { statSync } from 'node:fs';
import type { Log } from '@k2hft/config';

const READABLE_BY_OTHERS = 0o004;

/** Warns when everybody on this host may read a file that holds secrets. */
export function warnIfReadable(file: string, what: string, log: Log): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined || (stats.mode & READABLE_BY_OTHERS) === 0) return;
  log('warn', `${what} ${file} may be read by everybody on this host: chmod o-r ${file}`);
}
