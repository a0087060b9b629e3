/** `cut`: nothing comes through, and nobody is told. */
export type RoadState = 'open' | 'slow' | 'cut';

export const SLOW_DELAY_MS = 100;
export const SLOW_BYTES_PER_SECOND = 64 * 1024;
