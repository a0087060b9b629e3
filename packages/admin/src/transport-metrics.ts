import { shownUrl } from '@k2hft/config';
import type { Sample, SnapshotMetrics } from './snapshot-metrics.js';

interface Amount {
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
}

/** A queue and the servers that it goes to: a mount has one, and so has a relay. */
export interface TransportFigures {
  readonly queue: {
    /** What each destination has still to get; when its oldest batch was written, in milliseconds since 1970. */
    readonly cursors: Readonly<Record<string, Amount & { readonly oldestMs: number | undefined }>>;
    readonly hotBytes: number;
    readonly storeBytes: number;
    /** What was given up, by reason. */
    readonly lost: Readonly<Record<string, Amount>>;
  };
  readonly servers: readonly {
    readonly url: string;
    readonly state: string;
    readonly connections: number;
    readonly failures: number;
    readonly sent: Amount;
    readonly acked: Amount;
    readonly inFlight: Amount;
  }[];
  /** Batches that may be on two servers. */
  readonly handedOver: number;
  readonly damaged: number;
}

const STATES = ['idle', 'connecting', 'greeting', 'up', 'full', 'draining', 'down', 'stopped'] as const;
const UNITS = ['batches', 'records', 'bytes'] as const;

/** The metrics of a queue and its servers; none while `figuresOf` gives undefined. */
export function addTransportMetrics<Snapshot>(
  metrics: SnapshotMetrics<Snapshot>,
  figuresOf: (snapshot: Snapshot) => TransportFigures | undefined,
): void {
  addQueueMetrics(metrics, (snapshot) => figuresOf(snapshot)?.queue);
  addServerMetrics(metrics, (snapshot) => figuresOf(snapshot)?.servers ?? []);
  const one = (read: (figures: TransportFigures) => number) => (snapshot: Snapshot) => {
    const figures = figuresOf(snapshot);
    return figures === undefined ? [] : [{ value: read(figures) }];
  };
  metrics
    .counter(
      {
        name: 'k2hft_forward_handed_over_batches_total',
        help: 'Batches that went to another server because the first went away with them; they may be on both.',
      },
      one(({ handedOver }) => handedOver),
    )
    .counter(
      {
        name: 'k2hft_forward_damaged_batches_total',
        help: 'Batches that were damaged in the queue and given up.',
      },
      one(({ damaged }) => damaged),
    );
}

function addQueueMetrics<Snapshot>(
  metrics: SnapshotMetrics<Snapshot>,
  queueOf: (snapshot: Snapshot) => TransportFigures['queue'] | undefined,
): void {
  const labels = ['cursor'];
  const perCursor =
    (read: (cursor: TransportFigures['queue']['cursors'][string]) => number) =>
    (snapshot: Snapshot): Sample[] =>
      Object.entries(queueOf(snapshot)?.cursors ?? {}).map(([cursor, content]) => ({
        labels: { cursor: shownUrl(cursor) },
        value: read(content),
      }));
  const size = (read: (queue: TransportFigures['queue']) => number) => (snapshot: Snapshot) => {
    const queue = queueOf(snapshot);
    return queue === undefined ? [] : [{ value: read(queue) }];
  };
  for (const unit of UNITS) {
    metrics
      .gauge(
        {
          name: `k2hft_queue_${unit}`,
          help: `Undelivered ${unit} of a destination${unit === 'batches' ? '' : ', estimated'}.`,
          labels,
        },
        perCursor((content) => content[unit]),
      )
      .counter(
        {
          name: `k2hft_queue_lost_${unit}_total`,
          help: `What the queue has given up, in ${unit}, by reason, since the queue was made.`,
          labels: ['reason'],
        },
        (snapshot) =>
          Object.entries(queueOf(snapshot)?.lost ?? {}).map(([reason, amount]) => ({
            // With broadcast it names the server.
            labels: { reason: shownUrl(reason) },
            value: amount[unit],
          })),
      );
  }
  metrics
    .gauge(
      {
        name: 'k2hft_queue_oldest_age_seconds',
        help: 'Age of the oldest undelivered batch of a destination; 0 when there is none.',
        labels,
      },
      perCursor(({ oldestMs }) => (oldestMs === undefined ? 0 : Math.max(0, Date.now() - oldestMs) / 1000)),
    )
    .gauge(
      { name: 'k2hft_queue_hot_bytes', help: 'Used pages of the fast part of the queue.' },
      size(({ hotBytes }) => hotBytes),
    )
    .gauge(
      { name: 'k2hft_queue_store_bytes', help: 'Files of the crash-proof part of the queue.' },
      size(({ storeBytes }) => storeBytes),
    );
}

type ServerFigures = TransportFigures['servers'][number];

function addServerMetrics<Snapshot>(
  metrics: SnapshotMetrics<Snapshot>,
  serversOf: (snapshot: Snapshot) => readonly ServerFigures[],
): void {
  const labels = ['server'];
  const perServer =
    (read: (server: ServerFigures) => number) =>
    (snapshot: Snapshot): Sample[] =>
      serversOf(snapshot).map((server) => ({
        labels: { server: shownUrl(server.url) },
        value: read(server),
      }));
  metrics
    .gauge(
      {
        name: 'k2hft_forward_state',
        help: 'The state of the connection to a server: 1 for the state that it is in.',
        labels: ['server', 'state'],
      },
      (snapshot) =>
        serversOf(snapshot).flatMap((server) =>
          STATES.map((state) => ({
            labels: { server: shownUrl(server.url), state },
            value: server.state === state ? 1 : 0,
          })),
        ),
    )
    .counter(
      { name: 'k2hft_forward_connections_total', help: 'Times that a server has welcomed us.', labels },
      perServer(({ connections }) => connections),
    )
    .counter(
      {
        name: 'k2hft_forward_failures_total',
        help: 'Connections that failed or were lost; each is followed by another attempt.',
        labels,
      },
      perServer(({ failures }) => failures),
    );
  for (const unit of UNITS) {
    metrics
      .counter(
        {
          name: `k2hft_forward_sent_${unit}_total`,
          help: `What was sent to a server, in ${unit}; what was sent twice counts twice.`,
          labels,
        },
        perServer(({ sent }) => sent[unit]),
      )
      .counter(
        {
          name: `k2hft_forward_acked_${unit}_total`,
          help: `What a server has acknowledged, in ${unit}.`,
          labels,
        },
        perServer(({ acked }) => acked[unit]),
      )
      .gauge(
        {
          name: `k2hft_forward_in_flight_${unit}`,
          help: `What was sent to a server and is not acknowledged, in ${unit}.`,
          labels,
        },
        perServer(({ inFlight }) => inFlight[unit]),
      );
  }
}
