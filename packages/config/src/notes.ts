import { formatProblem, type Problem } from './problems.js';

/** Something about a configuration that is no mistake: what had to be interpreted, and what is without effect. */
export interface Note extends Problem {
  /** `warn`: said at each start. `info`: for somebody who checks the configuration. */
  readonly level: 'warn' | 'info';
}

/** `FILE:LINE:COLUMN: KEY: MESSAGE`, on one line. */
export function formatNote(note: Note): string {
  return formatProblem(note).replace(/[\r\n]+/g, ' ');
}
