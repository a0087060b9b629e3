import { delayCell } from './delay.js';
import { make } from './document.js';
import { formatAgo, formatByteRate, formatBytes, formatCount, formatDuration } from './format.js';
import type { Overview, RelayQueue, RelayServer } from './overview.js';
import { Table, type Cell } from './table.js';

/** What is to be passed on, and to whom. */
export function makeRelayTables(): { element: HTMLElement; show: (overview: Overview) => void } {
  let nowMs = 0;
  const queues = new Table<RelayQueue>({
    caption: 'The queue: what is to be passed on',
    columns: [
      { title: 'Queue', cell: ({ name }) => ({ text: name === 'any' ? 'for whichever server' : name }) },
      { title: 'Oldest', isNumber: true, cell: ({ oldestAtMs }) => oldestCell(oldestAtMs, nowMs) },
      { title: 'Waiting', isNumber: true, cell: ({ bytes }) => ({ text: formatBytes(bytes) }) },
      { title: 'Records', isNumber: true, cell: ({ records }) => ({ text: formatCount(records) }) },
      { title: 'Batches', isNumber: true, cell: ({ batches }) => ({ text: formatCount(batches) }) },
    ],
    keyOf: ({ name }) => name,
  });
  const servers = new Table<RelayServer>({
    caption: 'The servers that it is passed on to',
    columns: [
      { title: 'Next server', cell: ({ url, software }) => ({ text: url, small: software ?? '' }) },
      { title: 'State', cell: (server) => stateCell(server, nowMs) },
      { title: 'Records', isNumber: true, cell: ({ rate }) => ({ text: `${formatCount(rate.records)}/s` }) },
      { title: 'Bytes', isNumber: true, cell: ({ rate }) => ({ text: formatByteRate(rate.bytes) }) },
      {
        title: 'Not acknowledged',
        isNumber: true,
        cell: ({ inFlightBatches }) => ({ text: formatCount(inFlightBatches) }),
      },
      {
        title: 'Last error',
        cell: ({ lastError }) =>
          lastError === null
            ? { text: 'none', mark: 'dim' }
            : { text: lastError.message, small: formatAgo(lastError.atMs, nowMs) },
      },
    ],
    keyOf: ({ url }) => url,
  });
  return {
    element: make('div', 'tables', queues.element, servers.element),
    show({ relay, atMs }) {
      nowMs = atMs;
      queues.show(relay?.queues ?? []);
      servers.show(relay?.servers ?? []);
    },
  };
}

function oldestCell(oldestAtMs: number | null, nowMs: number): Cell {
  if (oldestAtMs === null) return { text: 'empty', mark: 'dim' };
  return delayCell(nowMs - oldestAtMs);
}

function stateCell({ state, sinceMs }: RelayServer, nowMs: number): Cell {
  const cell: Cell = { text: state, small: `for ${formatDuration(nowMs - sinceMs)}` };
  if (state === 'up') return cell;
  return { ...cell, mark: state === 'down' || state === 'full' ? 'bad' : 'warn' };
}
