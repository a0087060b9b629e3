import type { Amount } from './flight.js';
import type { LinkState } from './link.js';

/** One server, as seen from here; plain data that can be printed as JSON. */
export interface ServerStatus {
  url: string;
  state: LinkState;
  /** Since when, in milliseconds since 1970. */
  sinceMs: number;
  /** What the server says that it is. */
  software: string | undefined;
  /** Times that the server has welcomed us. */
  connections: number;
  /** Connections that failed or were lost; each is followed by another attempt. */
  failures: number;
  /** What was sent twice counts twice. */
  sent: Amount;
  acked: Amount;
  inFlight: Amount;
  /** Acknowledged, over the last ten seconds. */
  rate: { recordsPerSecond: number; bytesPerSecond: number };
  lastError: { message: string; atMs: number } | undefined;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export type Log = (level: LogLevel, message: string) => void;
