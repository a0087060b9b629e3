import type { PositionSet } from './positions.js';
import type { Source } from './source.js';
import type { StreamBatch } from './batch-append.js';

/** Where batches came in, and where their acknowledgement goes: a connection. */
export interface Receiver {
  readonly source: Source;
  /** Tells the source that these batches are safe. May be called after the connection has ended. */
  acknowledge(positions: PositionSet): void;
}

/** A batch that is on its way into a file. */
export interface TakenBatch extends StreamBatch {
  receiver: Receiver;
}
