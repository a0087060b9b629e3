import type { TransportFigures } from '@k2hft/admin';
import type { ServerSettings } from '@k2hft/config';
import type { ServerStatus } from '@k2hft/forwarder';
import type { Batch } from '@k2hft/wire';
import type { Position } from './positions.js';

/** What a sink is given while it makes its batches safe. */
export interface SinkWait {
  /** The server ends, or begins anew: whoever still waits rejects now. */
  readonly signal: AbortSignal;
  /** A sentence while only time or an operator can help; undefined when it goes on. The sources are told. */
  readonly blocked: (reason: string | undefined) => void;
}

/** What a sink tells of itself to operators. */
export interface SinkFigures {
  readonly relay?: RelayFigures;
  readonly plugin?: PluginFigures;
}

export interface RelayFigures extends TransportFigures {
  readonly servers: readonly ServerStatus[];
}

export interface PluginFigures {
  /** Processes by state. */
  readonly states: Readonly<Record<string, number>>;
  readonly restarts: number;
  readonly fedBytes: number;
  readonly waitingBytes: number;
  readonly lastError: string | undefined;
}

/**
 * A further place where batches go besides the output files. A group is acknowledged only when each sink has made its
 * batches safe. A sink outlives the appliers: when one of them begins anew, batches that were taken and not
 * acknowledged are taken once more.
 */
export interface Sink {
  /** Throws ServerError for a source that must not be connected. */
  admitSource?(source: string): void;
  /** Throws ServerError for a batch that must not be taken; its source is told the code and the message. */
  admit?(batch: Batch): void;
  /** Takes a batch that the server has not applied before, in order. A sink that has it already (its own ledger) ignores it. */
  take(batch: Batch, source: string): void;
  /** Above the limit the gate closes: back-pressure. */
  readonly waitingBytes: number;
  /**
   * A group is being closed: resolves when everything taken so far is safe. It waits as long as needed, saying so through
   * `wait`, and rejects only for faults that must end the server, and when the signal says so. One call at a time.
   */
  save(wait: SinkWait): Promise<void>;
  /** Nothing below `floor` comes again from this source: it counts as taken. */
  raiseFloor?(source: string, floor: Position): void;
  figures?(): SinkFigures;
  /** The configuration was read again. */
  reopen?(settings: ServerSettings): void;
  /** No applier uses it any more. */
  close(): Promise<void>;
}
