import {
  addTransportMetrics,
  processRegistry,
  SnapshotMetrics,
  type HistogramSample,
  type Registry,
} from '@k2hft/admin';
import { CALL_SECONDS } from '@k2hft/admin/tally';
import type { MountStatus } from './mount-status-content.js';
import { SHOWN_ONE_BY_ONE } from './operation-timings.js';
import type { WorkerReportContent } from './worker-report.js';

type Metrics = SnapshotMetrics<MountStatus>;

/**
 * The mount's metrics. There are none of single files: their names come and go, and each would be a series that lasts as
 * long as Prometheus keeps anything. `k2hft top` shows them.
 */
export function mountMetrics(take: () => MountStatus): Registry {
  const registry = processRegistry();
  const metrics: Metrics = new SnapshotMetrics(registry, take);
  addCaptureMetrics(metrics);
  addOperationMetrics(metrics);
  addTransportMetrics(metrics, (status) => status);
  addPluginMetrics(metrics);
  metrics
    .counter(
      {
        name: 'k2hft_process_restarts_total',
        help: 'Times that a process of the mount was started again.',
        labels: ['process'],
      },
      ({ restarts }) => Object.entries(restarts).map(([process, value]) => ({ labels: { process }, value })),
    )
    .gauge(
      {
        name: 'k2hft_mount_answered_age_seconds',
        help: 'How long ago the mount has answered a look-up; it is asked every second.',
      },
      ({ answeredAgoMs }) => [{ value: answeredAgoMs / 1000 }],
    );
  return registry;
}

/** Of the worker; nothing while there is no report of it. */
function addCaptureMetrics(metrics: Metrics): void {
  const counter = (name: string, help: string, read: (worker: WorkerReportContent) => number) =>
    metrics.counter({ name, help }, ({ worker }) => (worker === undefined ? [] : [{ value: read(worker) }]));
  counter('k2hft_capture_writes_total', 'Writes whose bytes are sent.', ({ writes }) => writes);
  counter('k2hft_capture_written_bytes_total', 'Bytes of them.', ({ bytes }) => bytes);
  for (const unit of ['batches', 'records', 'bytes'] as const)
    counter(
      `k2hft_capture_${unit}_total`,
      `What was put into the queue, in ${unit}.`,
      ({ queue }) => queue.appended[unit],
    );
  counter(
    'k2hft_capture_overwrites_total',
    'Writes elsewhere than at the end of what was captured of the file.',
    ({ overwrites }) => overwrites,
  );
  counter('k2hft_capture_pieces_total', 'Pieces of lines longer than max_record.', ({ pieces }) => pieces);
  counter(
    'k2hft_capture_undecided_total',
    'Tests of patterns that were given up; their lines were kept.',
    ({ undecided }) => undecided,
  );
  const dropped = (unit: 'lines' | 'bytes') => (status: MountStatus) =>
    // What a full queue does not take is among what the queue has lost.
    Object.entries(status.worker?.drops ?? {})
      .filter(([reason]) => reason !== 'queue_full')
      .map(([reason, amount]) => ({ labels: { reason }, value: amount[unit] }));
  const labels = ['reason'];
  metrics
    .counter(
      { name: 'k2hft_capture_dropped_records_total', help: 'Lines that rules do not send.', labels },
      dropped('lines'),
    )
    .counter(
      { name: 'k2hft_capture_dropped_bytes_total', help: 'Bytes that rules do not send.', labels },
      dropped('bytes'),
    )
    .gauge(
      { name: 'k2hft_queue_full', help: 'Whether the queue has no room for what is written.' },
      (status) => (status.worker === undefined ? [] : [{ value: status.worker.isFull ? 1 : 0 }]),
    );
  const copied = (name: string, help: string, key: 'bytes' | 'lostBytes') =>
    metrics.counter({ name, help }, ({ worker }) =>
      worker?.copies === undefined ? [] : [{ value: worker.copies[key] }],
    );
  copied('k2hft_copy_bytes_total', 'Bytes that were copied to files (copy_to).', 'bytes');
  copied('k2hft_copy_lost_bytes_total', 'Bytes that could not be copied.', 'lostBytes');
}

function addOperationMetrics(metrics: Metrics): void {
  const labels = ['operation'];
  const perOperation = (unit: 'calls' | 'seconds') => (status: MountStatus) =>
    Object.entries(status.worker?.operations ?? {}).map(([operation, counted]) => ({
      labels: { operation },
      value: counted[unit],
    }));
  metrics
    .counter(
      { name: 'k2hft_fuse_operations_total', help: 'Requests of the kernel.', labels },
      perOperation('calls'),
    )
    .counter(
      { name: 'k2hft_fuse_operation_seconds_total', help: 'Time until they were answered.', labels },
      perOperation('seconds'),
    )
    .histogram(
      {
        name: 'k2hft_fuse_operation_duration_seconds',
        help: 'Time until a request was answered; what waits for room or for the disk included.',
        labels,
      },
      CALL_SECONDS,
      ({ worker }) =>
        SHOWN_ONE_BY_ONE.flatMap((operation): HistogramSample[] =>
          worker === undefined ? [] : [{ labels: { operation }, ...worker.durations[operation] }],
        ),
    );
}

function addPluginMetrics(metrics: Metrics): void {
  const counter = (name: string, help: string, read: (plugin: MountStatus['plugins'][number]) => number) =>
    metrics.counter({ name, help, labels: ['rule'] }, ({ plugins }) =>
      plugins.map((plugin) => ({ labels: { rule: plugin.rule }, value: read(plugin) })),
    );
  counter(
    'k2hft_plugin_restarts_total',
    'Times that a plugin was started again.',
    (plugin) => plugin.restarts,
  );
  counter('k2hft_plugin_fed_records_total', 'Records that plugins were given.', ({ fed }) => fed.records);
  counter('k2hft_plugin_fed_bytes_total', 'Bytes that plugins were given.', ({ fed }) => fed.bytes);
  counter(
    'k2hft_plugin_dropped_records_total',
    'Records that were given up because a plugin did not keep up.',
    ({ dropped }) => dropped.records,
  );
  metrics.gauge(
    { name: 'k2hft_plugin_processes', help: 'Processes of plugins, by state.', labels: ['rule', 'state'] },
    ({ plugins }) => plugins.flatMap(({ rule, processes }) => statesOf(rule, processes)),
  );
}

function statesOf(rule: string, processes: MountStatus['plugins'][number]['processes']) {
  const counts = new Map<string, number>();
  for (const { state } of processes) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ labels: { rule, state }, value }));
}
