import type { Log, ServerSettings } from '@k2hft/config';
import type { HelloMessage } from '@k2hft/wire';
import type { Applier } from './applier.js';
import type { Connection } from './connection.js';
import type { RefusalReason } from './refusal-reason.js';
import type { TokenHolder } from './tokens.js';

/** What a connection needs of the server that it belongs to. */
export interface ConnectionHost {
  readonly software: string;
  readonly log: Log;
  /** For what anybody can cause who reaches the port. */
  readonly strangerLog: Log;
  readonly limits: ServerSettings['limits'];
  /** Undefined while the files are being brought in order. */
  readonly applier: Applier | undefined;
  /** Whether batches may be read now. */
  readonly isGateOpen: boolean;
  readonly blockedReason: string | undefined;
  /**
   * It has said who it is: undefined when that binds it to nothing. Throws ServerError for one that is refused.
   */
  admit(connection: Connection, hello: HelloMessage): TokenHolder | undefined;
  /** It is refused before it is known who it is. */
  refused(connection: Connection, reason: RefusalReason): void;
  /** Counts bytes of messages that are not whole yet; negative when they are whole, or given up. */
  partial(bytes: number): void;
  /** Whether that token holds still. */
  holds(holder: TokenHolder): boolean;
  /** The connection has ended. */
  ended(connection: Connection): void;
}
