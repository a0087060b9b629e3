import { ForwarderError } from './errors.js';

/** Where the queue goes: the part `servers` of the configuration. Durations in milliseconds. */
export interface ForwarderServers {
  readonly deliver: 'failover' | 'random' | 'hash' | 'broadcast';
  /** ws:// or wss:// URLs, in order of preference. */
  readonly urls: readonly string[];
  /** How long batches in flight wait for the return of the server that went away, before another gets them. */
  readonly failoverAfterMs: number;
  /** Read at each connection, so that a new token is used without a restart. */
  readonly tokenFile: string | undefined;
  /** Paths of PEM files, read at each connection. */
  readonly tls:
    | { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined }
    | undefined;
  /** How batches travel; auto: zstd where both sides have it, else gzip. */
  readonly compression: 'none' | 'auto' | 'gzip' | 'zstd';
  /** Gather up to this long before sending; 0: send at once. */
  readonly lingerMs: number;
  /** Gather no more than this many records; 0: as many as come. */
  readonly lingerRecords: number;
}

/** What tests change and users do not. Times in milliseconds. */
export interface Tuning {
  /** From the start of a connection to the server's welcome. A server under load answers in well under a second. */
  readonly handshakeTimeoutMs: number;
  /** Between two pings. */
  readonly heartbeatMs: number;
  /** A server that nothing was heard from for this long is gone: three pings without an answer. */
  readonly silentAfterMs: number;
  /** A server that says that it accepts, or is about to end, but acknowledges nothing for this long, is connected to anew. */
  readonly ackTimeoutMs: number;
  /** First and longest wait before connecting again. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /**
   * How long a server is left alone that has said that it got its own batches back. Only a change of settings helps, and
   * each attempt is an error in two logs. At least twice `failoverAfterMs`, so that another server gets them.
   */
  readonly loopRetryMs: number;
  /** How often it is looked whether the name of a server still has the address of the connection. */
  readonly addressCheckMs: number;
  /** Bytes sent and not acknowledged, per server: what a fast network carries in the time of one fsync. */
  readonly windowBytes: number;
  /** Bytes given to the socket and not yet taken by the kernel, above which sending pauses. */
  readonly bufferedBytesMax: number;
}

export const DEFAULT_TUNING: Tuning = {
  handshakeTimeoutMs: 10_000,
  heartbeatMs: 5_000,
  silentAfterMs: 15_000,
  ackTimeoutMs: 60_000,
  backoffMinMs: 100,
  backoffMaxMs: 10_000,
  loopRetryMs: 60_000,
  addressCheckMs: 30_000,
  windowBytes: 32 * 1024 * 1024,
  bufferedBytesMax: 1024 * 1024,
};

/** Small batches travel together in messages of up to this size: beyond it, a message's own cost no longer counts. */
export const PACK_BYTES_MAX = 256 * 1024;

/**
 * Cursors that these settings need in the queue. Where one server is enough they all share one, so that changing
 * between these modes sends nothing again; with broadcast each server has its own.
 */
export function cursorsOf(servers: Pick<ForwarderServers, 'deliver' | 'urls'>): string[] {
  return servers.deliver === 'broadcast' ? servers.urls.map(cursorOfUrl) : [ANY_SERVER_CURSOR];
}

export const ANY_SERVER_CURSOR = 'any';

/** Cursor of one server of a broadcast. Two spellings of one URL give the same. */
export function cursorOfUrl(url: string): string {
  return `to ${new URL(url).href}`;
}

/** Throws {@link ForwarderError} for what no connection can be made of. */
export function checkServers(servers: ForwarderServers): void {
  if (servers.urls.length === 0)
    throw new ForwarderError('settings', 'servers.urls is empty: name at least one server');
  for (const url of servers.urls) {
    if (!URL.canParse(url) || !/^wss?:$/.test(new URL(url).protocol)) {
      throw new ForwarderError('settings', `servers.urls: "${url}" is no ws:// or wss:// URL`);
    }
  }
  if (new Set(servers.urls.map(cursorOfUrl)).size < servers.urls.length) {
    throw new ForwarderError('settings', 'servers.urls names a server twice: remove one of the two');
  }
}
