import type { FileOrder, SourceOrder } from './overview.js';

/** What the reader wants to see; part of the address, so that it survives a reload and can be handed on. */
export interface Wishes {
  source: string;
  sourcesBy: SourceOrder;
  file: string;
  filesBy: FileOrder;
  /** The source whose charts are shown; empty: all of them. */
  chart: string;
}

const NAMES = {
  source: 'source',
  sourcesBy: 'sources-by',
  file: 'file',
  filesBy: 'files-by',
  chart: 'chart',
} as const satisfies Record<keyof Wishes, string>;

/** The server answers an order that it does not know with the usual one. */
export function readWishes(search: string): Wishes {
  const query = new URLSearchParams(search);
  return {
    source: query.get(NAMES.source) ?? '',
    sourcesBy: (query.get(NAMES.sourcesBy) ?? 'bytes') as SourceOrder,
    file: query.get(NAMES.file) ?? '',
    filesBy: (query.get(NAMES.filesBy) ?? 'bytes') as FileOrder,
    chart: query.get(NAMES.chart) ?? '',
  };
}

/** As a query that begins with `?`, or nothing when there are no wishes. */
export function writeWishes(wishes: Wishes): string {
  const query = new URLSearchParams();
  for (const [key, name] of Object.entries(NAMES) as [keyof Wishes, string][]) {
    const value = wishes[key];
    if (value !== '' && !(value === 'bytes' && key.endsWith('By'))) query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
