import { printable } from '@k2hft/config';
import { pluginName } from '@k2hft/plugin';
import type { MountStatus } from './mount-status-content.js';
import type { PluginStatusEntry } from './plugin-status.js';

const FILES_SHOWN = 20;
/** It answers every second, when it is idle as well. */
const ANSWER_LATE_MS = 3_000;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size as a person reads it: 1536 is `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** A number as a person reads it: 12 345 is `12.3k`. */
export function formatCount(count: number): string {
  if (count < 9_999.5) return String(Math.round(count));
  const [value, unit] =
    count < 999_950 ? [count / 1e3, 'k'] : count < 999_950_000 ? [count / 1e6, 'M'] : [count / 1e9, 'G'];
  return `${value.toFixed(value < 99.95 ? 1 : 0)}${unit}`;
}

/** A duration as a person reads it: 90 000 ms is `1.5 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`;
  if (durationMs < 3_600_000) return `${(durationMs / 60_000).toFixed(1)} min`;
  return `${(durationMs / 3_600_000).toFixed(1)} h`;
}

/** Several lines of text, the last with a newline. */
export function formatStatus(status: MountStatus): string {
  const { queue, worker } = status;
  const lines = [
    `${status.mountPoint}  ${status.mode}, host ${status.host}, ${status.software}, source ${status.source}`,
    `  queue    ${queue.batches} batches, ${queue.records} records, ${formatBytes(queue.bytes)}, oldest ${
      queue.oldestMs === undefined ? '-' : formatDuration(queue.oldestMs)
    }`,
  ];
  for (const [reason, amount] of Object.entries(queue.lost)) {
    lines.push(`  lost     ${reason}: ${amount.records} records, ${formatBytes(amount.bytes)}`);
  }
  for (const server of status.servers) {
    const { records, bytes } = server.acked;
    const { inFlight } = server;
    const rate = `${server.rate.recordsPerSecond.toFixed(0)} records/s, ${formatBytes(server.rate.bytesPerSecond)}/s`;
    lines.push(
      `  server   ${server.url}  ${server.state}, ${records} records (${formatBytes(bytes)}) acknowledged, ${rate}`,
      `           ${inFlight.batches} batches in flight, ${server.connections} connections, ${server.failures} failed`,
    );
    if (server.lastError !== undefined) {
      lines.push(
        `           last error ${new Date(server.lastError.atMs).toISOString()}: ${printable(server.lastError.message)}`,
      );
    }
  }
  lines.push(...troubleLines(status));
  for (const plugin of status.plugins) lines.push(...pluginLines(plugin));
  for (const [reason, { lines: dropped, bytes }] of Object.entries(worker?.drops ?? {})) {
    lines.push(`  dropped  ${reason}: ${dropped} lines, ${formatBytes(bytes)}`);
  }
  if (worker !== undefined && worker.undecided > 0) {
    lines.push(`  slow     ${worker.undecided} tests of patterns were given up; their lines were kept`);
  }
  for (const file of worker?.files.slice(0, FILES_SHOWN) ?? []) {
    lines.push(`  file     ${file.path}  ${formatBytes(file.bytes)}, ${formatBytes(file.bytesPerSecond)}/s`);
  }
  return `${lines.join('\n')}\n`;
}

/** What there is to say only when something is or was wrong. */
function troubleLines({ handedOver, damaged, restarts, answeredAgoMs, worker }: MountStatus): string[] {
  const lines: string[] = [];
  if (answeredAgoMs > ANSWER_LATE_MS)
    lines.push(`  mount    has not answered for ${formatDuration(answeredAgoMs)}`);
  if (worker?.isFull === true) lines.push('  full     there is no room in the queue for what is written');
  if (handedOver > 0) lines.push(`  twice    ${handedOver} batches may be on two servers`);
  if (damaged > 0) lines.push(`  damaged  ${damaged} batches were given up`);
  if (restarts.worker + restarts.forwarder > 0)
    lines.push(`  restarts worker ${restarts.worker}, forwarder ${restarts.forwarder}`);
  if (worker?.copies !== undefined && worker.copies.lostBytes > 0)
    lines.push(`  copies   ${formatBytes(worker.copies.lostBytes)} could not be copied`);
  return lines;
}

function pluginLines({
  rule,
  command,
  processes,
  restarts,
  fed,
  dropped,
  lastError,
}: PluginStatusEntry): string[] {
  const state =
    processes.length === 1
      ? processes.map(({ state, pid }) => (pid === undefined ? state : `${state}, process ${pid}`)).join()
      : `${processes.length} processes`;
  const lines = [
    `  plugin   ${pluginName(command)} (${rule})  ${state}, ${restarts} restarts, ${fed.records} records (${formatBytes(fed.bytes)}) fed, ${dropped.records} dropped`,
  ];
  if (lastError !== undefined) {
    lines.push(
      `           last error ${new Date(lastError.atMs).toISOString()}: ${printable(lastError.message)}`,
    );
  }
  return lines;
}
