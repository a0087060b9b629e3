import {
  formatAgo,
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
  shortId,
} from './format.js';
import type { Overview, SourceOrder, SourceRow } from './overview.js';
import { delayCell } from './delay.js';
import { Table, type Cell, type Column } from './table.js';

const STUCK_MS = 2_000;

export interface SourcesTableOptions {
  chosen: () => string;
  /** The charts of one source, or of all again. */
  choose: (id: string) => void;
  chooseOrder: (order: SourceOrder) => void;
}

/** Who sends here. */
export function makeSourcesTable({ chosen, choose, chooseOrder }: SourcesTableOptions): {
  element: HTMLElement;
  show: (overview: Overview, order: SourceOrder) => void;
} {
  let nowMs = 0;
  const columns: Column<SourceRow>[] = [
    {
      title: 'Host',
      order: 'host',
      cell: ({ host, id }) => ({ text: host === '' ? shortId(id) : host, small: shortId(id), title: id }),
      act: {
        label: (row) =>
          `${row.host} ${shortId(row.id)}: ${chosen() === row.id ? 'charts of all sources' : 'its charts'}`,
        run: ({ id }) => {
          choose(chosen() === id ? '' : id);
        },
      },
    },
    { title: 'State', cell: (row) => stateCell(row, nowMs) },
    { title: 'Lag', isNumber: true, order: 'lag', cell: lagCell },
    {
      title: 'Records',
      isNumber: true,
      order: 'records',
      cell: ({ rate, totals }) => ({
        text: `${formatCount(rate.records)}/s`,
        small: `${formatCount(totals.records)} in all`,
      }),
    },
    {
      title: 'Bytes',
      isNumber: true,
      order: 'bytes',
      cell: ({ rate, totals }) => ({
        text: formatByteRate(rate.bytes),
        small: `${formatBytes(totals.bytes)} in all`,
      }),
    },
    {
      title: 'Last batch',
      isNumber: true,
      order: 'last',
      cell: ({ lastAtMs, unacknowledgedBatches }) => ({
        text: lastAtMs === null ? 'none yet' : formatAgo(lastAtMs, nowMs),
        small:
          isStuck(lastAtMs, nowMs) && unacknowledgedBatches > 0
            ? `${formatCount(unacknowledgedBatches)} not acknowledged`
            : '',
      }),
    },
    { title: 'Address', cell: ({ address, software }) => ({ text: address, small: software }) },
  ];
  const table = new Table<SourceRow>({
    caption: 'Sources: who sends here, how much, and how late it comes',
    columns,
    keyOf: ({ id }) => id,
    isChosen: ({ id }) => id === chosen(),
    isDim: ({ connectedAtMs }) => connectedAtMs === null,
    // The columns above name orders that there are.
    chooseOrder: (order) => {
      chooseOrder(order as SourceOrder);
    },
  });
  return {
    element: table.element,
    show({ sources, atMs }, order) {
      nowMs = atMs;
      table.show(sources.rows, order);
    },
  };
}

/** What came a moment ago is always on its way to the disk: that is not worth a word. */
function isStuck(lastAtMs: number | null, nowMs: number): boolean {
  return lastAtMs !== null && nowMs - lastAtMs > STUCK_MS;
}

function stateCell({ connectedAtMs, seenAtMs }: SourceRow, nowMs: number): Cell {
  if (connectedAtMs === null)
    return {
      text: 'away',
      small: `last seen ${formatAgo(seenAtMs, nowMs)}`,
      title: formatTime(seenAtMs, nowMs),
      mark: 'warn',
    };
  return {
    text: 'connected',
    small: `for ${formatDuration(nowMs - connectedAtMs)}`,
    title: `since ${formatTime(connectedAtMs, nowMs)}`,
  };
}

function lagCell({ lagMs, connectedAtMs }: SourceRow): Cell {
  if (connectedAtMs === null) return { text: '–', title: 'not known while it is away', mark: 'dim' };
  if (lagMs === null) return { text: 'idle', title: 'nothing has come for 10 s', mark: 'dim' };
  return delayCell(lagMs);
}
