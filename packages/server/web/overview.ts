/*
 * What the page asks the server for, as JSON. Durations in milliseconds, `...AtMs` in milliseconds since 1970; `null` is
 * what is not known.
 */

/** What the sources' and files' tables can be ordered by: the greatest, or the first of the alphabet, comes first. */
export const SOURCE_ORDERS = ['bytes', 'records', 'lag', 'last', 'host'] as const;
export const FILE_ORDERS = ['bytes', 'records', 'last', 'name'] as const;

export type SourceOrder = (typeof SOURCE_ORDERS)[number];
export type FileOrder = (typeof FILE_ORDERS)[number];

/** Per second, over the last interval of measuring. */
export interface Rate {
  records: number;
  bytes: number;
}

export interface SourceRow {
  /** The UUID of its queue. */
  id: string;
  host: string;
  software: string;
  address: string;
  /** Null: it is away. */
  connectedAtMs: number | null;
  /** When it was last connected; now, when it is. */
  seenAtMs: number;
  /** When its newest batch came; null: none has. */
  lastAtMs: number | null;
  /** By how much what comes from it is late; null: nothing has come lately. */
  lagMs: number | null;
  unacknowledgedBatches: number;
  rate: Rate;
  totals: Rate;
}

export interface FileRow {
  name: string;
  /** Null: it is not there any more. */
  sizeBytes: number | null;
  lastAtMs: number;
  rate: Rate;
}

/** A part of a list: what matches the filter, in the order that was asked for, up to a limit. */
export interface Listing<Row> {
  rows: Row[];
  matching: number;
  all: number;
}

export interface RelayServer {
  url: string;
  state: string;
  software: string | null;
  sinceMs: number;
  inFlightBatches: number;
  rate: Rate;
  lastError: { message: string; atMs: number } | null;
}

/** What a server has still to get. With broadcast there is one for each server. */
export interface RelayQueue {
  name: string;
  batches: number;
  records: number;
  bytes: number;
  /** When the oldest of it was written at its source. */
  oldestAtMs: number | null;
}

export interface Problem {
  atMs: number;
  level: 'error' | 'warn';
  message: string;
}

export interface Overview {
  atMs: number;
  startedAtMs: number;
  software: string;
  host: string;
  /** Where sources connect to. */
  url: string;
  /** Why nothing is acknowledged. */
  blocked: { reason: string; forMs: number } | null;
  rate: Rate;
  totals: Rate;
  connections: { open: number; max: number };
  sourcesConnected: number;
  sourcesAway: number;
  /** The greatest of any source. */
  lag: { ms: number; host: string } | null;
  unsafeBytes: number;
  sources: Listing<SourceRow>;
  /** Null: this server writes no files. */
  files: Listing<FileRow> | null;
  relay: { queues: RelayQueue[]; servers: RelayServer[] } | null;
  problems: Problem[];
}

/** Rates at the moments of {@link History}. */
export interface Series {
  records: number[];
  bytes: number[];
  /** Null: not known, as while nothing comes. */
  lagSeconds: (number | null)[];
}

/** The last minutes: points at equal distances as far as the server had the time. */
export interface History {
  timesSeconds: number[];
  /** All sources together; the lag is the greatest of them. */
  total: Series;
  /** The busiest, or the one that was asked for. */
  sources: (Series & { id: string; host: string })[];
}
