import { formatAgo, formatByteRate, formatBytes, formatCount, formatTime } from './format.js';
import type { FileOrder, FileRow, Overview } from './overview.js';
import { Table } from './table.js';

/** What is written. */
export function makeFilesTable(chooseOrder: (order: FileOrder) => void): {
  element: HTMLElement;
  show: (overview: Overview, order: FileOrder) => void;
} {
  let nowMs = 0;
  const table = new Table<FileRow>({
    caption: 'Files that were written since the server was started',
    columns: [
      { title: 'Name', order: 'name', cell: ({ name }) => ({ text: name }) },
      {
        title: 'Size',
        isNumber: true,
        cell: ({ sizeBytes }) =>
          sizeBytes === null ? { text: 'gone', mark: 'dim' } : { text: formatBytes(sizeBytes) },
      },
      {
        title: 'Records',
        isNumber: true,
        order: 'records',
        cell: ({ rate }) => ({ text: `${formatCount(rate.records)}/s` }),
      },
      {
        title: 'Bytes',
        isNumber: true,
        order: 'bytes',
        cell: ({ rate }) => ({ text: formatByteRate(rate.bytes) }),
      },
      {
        title: 'Last write',
        isNumber: true,
        order: 'last',
        cell: ({ lastAtMs }) => ({ text: formatAgo(lastAtMs, nowMs), title: formatTime(lastAtMs, nowMs) }),
      },
    ],
    keyOf: ({ name }) => name,
    // The columns above name orders that there are.
    chooseOrder: (order) => {
      chooseOrder(order as FileOrder);
    },
  });
  return {
    element: table.element,
    show({ files, atMs }, order) {
      nowMs = atMs;
      table.show(files?.rows ?? [], order);
    },
  };
}
