import { addTransportMetrics, processRegistry, SnapshotMetrics, type Registry } from '@k2hft/admin';
import { DISK_SECONDS } from '@k2hft/admin/tally';
import { REFUSAL_REASONS } from './refusal-reason.js';
import { GROUP_BATCHES, GROUP_BYTES, type ServerCounters } from './server-counters.js';
import type { ServiceStatus } from './service-status.js';

interface Snapshot {
  status: ServiceStatus;
  counters: ServerCounters;
}

const CAUSES = ['output', 'state', 'sink'] as const;

/**
 * The server's metrics. There are none of single sources and files: they may be ten thousands, and series that come and go
 * with who was busy last have no rates. The status lists the last active ones.
 */
export function serviceMetrics(take: () => Snapshot): Registry {
  const registry = processRegistry();
  const metrics = new SnapshotMetrics(registry, take);
  const gauge = (name: string, help: string, read: (status: ServiceStatus) => number) =>
    metrics.gauge({ name, help }, ({ status }) => [{ value: read(status) }]);
  const counter = (name: string, help: string, read: (status: ServiceStatus) => number) =>
    metrics.counter({ name, help }, ({ status }) => [{ value: read(status) }]);

  gauge('k2hft_server_connections', 'Open connections.', ({ connections }) => connections.open);
  gauge('k2hft_server_sources', 'Sources that are connected.', ({ sourceCount }) => sourceCount);
  gauge('k2hft_server_open_files', 'Output files that are open.', ({ openFiles }) => openFiles);
  gauge('k2hft_server_unsafe_bytes', 'Received and not yet safe.', ({ unsafeBytes }) => unsafeBytes);
  counter(
    'k2hft_server_connections_accepted_total',
    'Connections that were taken.',
    ({ connections }) => connections.accepted,
  );
  metrics.counter(
    {
      name: 'k2hft_server_connections_refused_total',
      help: 'Connections that were refused before it was known who they are.',
      labels: ['reason'],
    },
    ({ counters }) =>
      REFUSAL_REASONS.map((reason) => ({ labels: { reason }, value: counters.refusals[reason] })),
  );
  counter(
    'k2hft_server_received_batches_total',
    'Batches that were received for the first time.',
    ({ totals }) => totals.batches,
  );
  counter('k2hft_server_received_records_total', 'Records in them.', ({ totals }) => totals.records);
  counter('k2hft_server_received_bytes_total', 'Bytes of them.', ({ totals }) => totals.bytes);
  counter(
    'k2hft_server_repeated_batches_total',
    'Batches that came again, and were not written again.',
    ({ totals }) => totals.repeats,
  );
  counter(
    'k2hft_server_appended_bytes_total',
    'Bytes that were appended to output files.',
    ({ totals }) => totals.appendedBytes,
  );
  counter(
    'k2hft_server_quarantined_batches_total',
    'Batches whose file name was refused; they are below _refused.',
    ({ totals }) => totals.quarantined,
  );
  counter(
    'k2hft_server_rotations_total',
    'Output files that were rotated.',
    ({ totals }) => totals.rotations,
  );
  counter(
    'k2hft_server_gate_closed_seconds_total',
    'How long nothing was read from the sources because too much was not safe yet.',
    ({ gate }) => gate.closedMs / 1000,
  );
  metrics.gauge(
    {
      name: 'k2hft_server_blocked',
      help: 'Whether nothing is acknowledged because of a cause that only time or an operator changes.',
      labels: ['cause'],
    },
    ({ status }) =>
      CAUSES.map((cause) => ({
        labels: { cause },
        value: status.blocked?.causes.includes(cause) === true ? 1 : 0,
      })),
  );
  addHistograms(metrics);
  addPluginMetrics(metrics);
  addTransportMetrics(metrics, ({ status }) => status.relay);
  return registry;
}

function addHistograms(metrics: SnapshotMetrics<Snapshot>): void {
  metrics
    .histogram(
      { name: 'k2hft_server_group_batches', help: 'Batches that were made safe together.' },
      GROUP_BATCHES,
      ({ counters }) => [counters.groupBatches],
    )
    .histogram(
      { name: 'k2hft_server_group_bytes', help: 'Bytes that were made safe together.' },
      GROUP_BYTES,
      ({ counters }) => [counters.groupBytes],
    )
    .histogram(
      { name: 'k2hft_server_fsync_duration_seconds', help: 'fdatasync of one output file.' },
      DISK_SECONDS,
      ({ counters }) => [counters.fsyncSeconds],
    )
    .histogram(
      { name: 'k2hft_server_commit_duration_seconds', help: 'One commit of the state.' },
      DISK_SECONDS,
      ({ counters }) => [counters.commitSeconds],
    )
    .histogram(
      {
        name: 'k2hft_server_lag_seconds',
        help: 'From a write at its source until its batch came here, by the clocks of the two hosts.',
      },
      DISK_SECONDS,
      ({ counters }) => [counters.lagSeconds],
    );
}

function addPluginMetrics(metrics: SnapshotMetrics<Snapshot>): void {
  metrics
    .gauge(
      {
        name: 'k2hft_plugin_processes',
        help: 'Processes of the plugin, by state.',
        labels: ['state'],
      },
      ({ status }) =>
        Object.entries(status.plugin?.states ?? {}).map(([state, value]) => ({ labels: { state }, value })),
    )
    .counter(
      { name: 'k2hft_plugin_restarts_total', help: 'Times that a process of the plugin was started again.' },
      ({ status }) => (status.plugin === undefined ? [] : [{ value: status.plugin.restarts }]),
    )
    .counter(
      { name: 'k2hft_plugin_fed_bytes_total', help: 'Bytes that the pipe of the plugin has taken.' },
      ({ status }) => (status.plugin === undefined ? [] : [{ value: status.plugin.fedBytes }]),
    );
}
