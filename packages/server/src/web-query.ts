import { FILE_ORDERS, SOURCE_ORDERS, type FileOrder, type SourceOrder } from '../web/overview.js';

/** What somebody who looks at the page wants to see of the lists. */
export interface OverviewQuery {
  sourceFilter: string;
  sourcesBy: SourceOrder;
  fileFilter: string;
  filesBy: FileOrder;
}

/** Reads `?source=TEXT&sources-by=ORDER&file=TEXT&files-by=ORDER` of a URL; what makes no sense is as if it were absent. */
export function parseOverviewQuery(url: string): OverviewQuery {
  const query = parametersOf(url);
  return {
    sourceFilter: query.get('source')?.trim().toLowerCase() ?? '',
    sourcesBy: SOURCE_ORDERS.find((order) => order === query.get('sources-by')) ?? 'bytes',
    fileFilter: query.get('file')?.trim().toLowerCase() ?? '',
    filesBy: FILE_ORDERS.find((order) => order === query.get('files-by')) ?? 'bytes',
  };
}

/** Reads `?source=UUID`: the only source whose history is wanted; undefined: the busiest are. */
export function parseHistoryQuery(url: string): string | undefined {
  const source = parametersOf(url).get('source');
  return source === null || source === '' ? undefined : source;
}

function parametersOf(url: string): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}
