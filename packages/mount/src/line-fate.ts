import { DROP_REASONS, type DropReason } from './drops.js';

/**
 * What becomes of the rest of a line whose beginning is gone from its stream: `undecided`, there is no such line;
 * `passing`, the beginning was sent, so the rest follows; `replaced`, something else was sent for the whole line; else the
 * beginning was dropped for this reason, and the rest is too.
 */
export type LineFate = 'undecided' | 'passing' | 'replaced' | DropReason;

/** The number that a row holds is the place in this list: it only ever grows at its end. */
const FATES: readonly LineFate[] = ['undecided', ...DROP_REASONS, 'passing', 'replaced'];

export function encodeFate(fate: LineFate): number {
  return FATES.indexOf(fate);
}

export function decodeFate(stored: number): LineFate {
  return FATES[stored] ?? 'undecided';
}

/** Whether bytes of the line are not sent any more, whatever they are. */
export function isDropping(fate: LineFate): boolean {
  return fate !== 'undecided' && fate !== 'passing';
}

/** Undefined: the bytes are not missing to anybody. */
export function dropReason(fate: LineFate): DropReason | undefined {
  return fate === 'undecided' || fate === 'passing' || fate === 'replaced' ? undefined : fate;
}
