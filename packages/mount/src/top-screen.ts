import { printable } from '@k2hft/config';
import { pluginName } from '@k2hft/plugin';
import { formatBytes, formatCount, formatDuration } from './format-status.js';
import type { MountStatus } from './mount-status-content.js';
import type { TopHistory } from './top-history.js';
import { fit, tableLines } from './top-table.js';
import { directionOf, trendOf } from './top-trend.js';

export interface TopView {
  columns: number;
  /** Infinity: everything is shown. */
  rows: number;
  isUnicode: boolean;
  /** Why nothing new could be learned at the last look. */
  failure: string | undefined;
}

/** So many lines at least are for files, however many servers there are. */
const FILE_LINES_MIN = 4;

/** What `k2hft top` shows, line by line. Names come escaped from the worker. */
export function topLines(history: TopHistory, view: TopView): string[] {
  const { status } = history;
  if (status === undefined) return [fit(view.failure ?? 'asking …', view.columns)];
  const head = headLines(status, history, view);
  const tables = [serverTable(status, view), pluginTable(status, view)].filter(({ length }) => length > 1);
  const files = fileTable(status, view);
  const roomForTables = view.rows - head.length - Math.min(files.length, FILE_LINES_MIN) - 1;
  const middle = shortened(
    tables.flatMap((table) => ['', ...table]),
    roomForTables,
  );
  const lines = [...head, ...middle, '', ...files];
  return shortened(lines, view.rows).map((line) => fit(line, view.columns));
}

function headLines(status: MountStatus, history: TopHistory, view: TopView): string[] {
  const { queue, worker, mountPoint, mode, host } = status;
  const { columns, isUnicode, failure } = view;
  const time = new Date(status.atMs).toTimeString().slice(0, 8);
  const title = fit(`k2hft top  ${printable(mountPoint)}  ${mode}, host ${host}`, columns - time.length - 2);
  const oldest = queue.oldestMs === undefined ? 'nothing waits' : `oldest ${formatDuration(queue.oldestMs)}`;
  const withTrend = (label: string, values: readonly number[]) => {
    const text = `${label.padEnd(LABEL_WIDTH)}  ${directionOf(values).padEnd(DIRECTION_WIDTH)} `;
    return text + trendOf(values.slice(-Math.max(1, columns - text.length)), isUnicode);
  };
  const amounts = `${formatCount(queue.batches)} batches, ${formatCount(queue.records)} records, ${formatBytes(queue.bytes)}`;
  const lines = [
    title.padEnd(columns - time.length) + time,
    withTrend(`depth  ${amounts}`, history.depths),
    withTrend(`age    ${oldest}`, history.ages),
    rateLine(history),
  ];
  const troubles = [
    failure,
    worker?.isFull === true ? 'the queue is full' : undefined,
    status.handedOver > 0 ? `${status.handedOver} batches may be on two servers` : undefined,
    status.damaged > 0 ? `${status.damaged} batches were damaged` : undefined,
    ...lossesOf(status),
  ].filter((trouble) => trouble !== undefined);
  if (troubles.length > 0) lines.push(`note   ${troubles.join('; ')}`);
  return lines;
}

/** Of what stands before a trend: the largest amounts fit. */
const LABEL_WIDTH = 47;
const DIRECTION_WIDTH = 7;

function rateLine(history: TopHistory): string {
  const rates = history.rates();
  if (rates === undefined) return 'write  -';
  const { writesPerSecond, recordsPerSecond, bytesPerSecond, droppedPerSecond, writeMs, fsyncMs } = rates;
  return [
    `write  ${formatCount(writesPerSecond)} writes/s${writeMs === undefined ? '' : ` of ${formatShort(writeMs)}`}`,
    `${formatCount(recordsPerSecond)} records/s`,
    `${formatBytes(bytesPerSecond)}/s`,
    ...(fsyncMs === undefined ? [] : [`fsync ${formatShort(fsyncMs)}`]),
    ...(droppedPerSecond > 0 ? [`${formatCount(droppedPerSecond)} lines/s not sent`] : []),
  ].join(', ');
}

function formatShort(durationMs: number): string {
  return durationMs < 1 ? `${Math.round(durationMs * 1000)} us` : formatDuration(durationMs);
}

function lossesOf({ queue }: MountStatus): string[] {
  return Object.entries(queue.lost).map(
    ([reason, { records }]) => `${formatCount(records)} records lost (${reason})`,
  );
}

function serverTable({ servers, queue }: MountStatus, { columns }: TopView): string[] {
  return tableLines(
    [
      { title: 'SERVER', takesRest: true },
      { title: 'STATE' },
      { title: 'RECORDS/S', isNumber: true },
      { title: 'BYTES/S', isNumber: true },
      { title: 'IN FLIGHT', isNumber: true },
      { title: 'WAITING', isNumber: true },
    ],
    servers.map(({ url, state, rate, inFlight }) => [
      url,
      state,
      formatCount(rate.recordsPerSecond),
      formatBytes(rate.bytesPerSecond),
      formatCount(inFlight.batches),
      // With broadcast each server has a cursor of its own; else what waits is not yet any server's: see the depth.
      waitingFor(queue, url),
    ]),
    columns,
  );
}

function waitingFor(queue: MountStatus['queue'], url: string): string {
  const own = queue.cursors[`to ${new URL(url).href}`];
  return own === undefined ? '-' : formatCount(own.batches);
}

function pluginTable({ plugins }: MountStatus, { columns }: TopView): string[] {
  return tableLines(
    [
      { title: 'PLUGIN', takesRest: true },
      { title: 'STATE' },
      { title: 'FED', isNumber: true },
      { title: 'DROPPED', isNumber: true },
      { title: 'RESTARTS', isNumber: true },
    ],
    plugins.map(({ command, rule, processes, fed, dropped, restarts }) => [
      `${pluginName(command)} (${rule})`,
      processes.length === 1 ? (processes[0]?.state ?? '') : `${processes.length} processes`,
      formatCount(fed.records),
      formatCount(dropped.records),
      String(restarts),
    ]),
    columns,
  );
}

function fileTable({ worker }: MountStatus, { columns }: TopView): string[] {
  return tableLines(
    [
      { title: 'FILE', takesRest: true },
      { title: 'BYTES/S', isNumber: true },
      { title: 'WRITTEN', isNumber: true },
    ],
    (worker?.files ?? []).map(({ path, bytes, bytesPerSecond }) => [
      path,
      formatBytes(bytesPerSecond),
      formatBytes(bytes),
    ]),
    columns,
  );
}

/** The first lines; that some are missing is said in the last. */
function shortened(lines: readonly string[], rows: number): string[] {
  if (lines.length <= rows) return [...lines];
  const shown = lines.slice(0, Math.max(0, rows - 1));
  return [...shown, `… ${lines.length - shown.length} more lines`].slice(0, Math.max(0, rows));
}
