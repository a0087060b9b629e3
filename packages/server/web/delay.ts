import { formatDuration } from './format.js';
import type { Cell } from './table.js';

/** A delay that a reader should look at, and one that is no passing thing. */
const WARN_MS = 5_000;
const BAD_MS = 60_000;

export function delayMark(delayMs: number): 'bad' | 'warn' | undefined {
  if (delayMs >= BAD_MS) return 'bad';
  return delayMs >= WARN_MS ? 'warn' : undefined;
}

/** A delay, with a word that does not need colours when it is long. */
export function delayCell(delayMs: number): Cell {
  const text = formatDuration(delayMs);
  const mark = delayMark(delayMs);
  if (mark === undefined) return { text };
  return { text, small: mark === 'bad' ? 'far behind' : 'behind', mark };
}
