import type { ListenAddress, LogSettings, QueueSettings, ServersSettings } from './mount-settings.js';

/** The settings of `k2hft-svr`, complete: see {@link MountSettings} for units. */
export interface ServerSettings {
  /** ws:// or wss:// URL to listen on; port 0 lets the system choose. */
  listen: string;
  tls: { cert: string; key: string; clientCa: string | undefined } | undefined;
  tokensFile: string | undefined;
  maxConnections: number;
  limits: {
    /** What one connection may bring; 0: as much as comes. Above it, reading pauses. */
    bytesPerSecond: number;
    /** Streams of one connection that are not at their end. */
    streams: number;
    /** From the first byte of a connection until it is known who it is. */
    handshakeTimeoutMs: number;
    /** A peer that gives no sign of life for so long is disconnected. */
    idleTimeoutMs: number;
  };
  /** Absolute path. */
  stateDir: string;
  /** undefined only for a pure relay. */
  output: OutputSettings | undefined;
  relay: { queue: QueueSettings; servers: ServersSettings } | undefined;
  admin: { listen: ListenAddress | undefined; unhealthyAfterMs: number };
  log: LogSettings;
  shutdownTimeoutMs: number;
}

export interface OutputSettings {
  /** Absolute path. */
  dir: string;
  /** Template with {host} {path} {dir} {file} {date:STRFTIME}. */
  path: string;
  format: string;
  timeFormat: string;
  /** Permissions of the files that are made; directories get search permission where files may be read. */
  mode: number;
  /** Gather this long before fsync and acknowledgement; 'always': each group at once; 'no': acknowledge without fsync. */
  fsync: { gatherMs: number } | 'always' | 'no';
  rotate:
    | { sizeBytes: number | undefined; everyMs: number | undefined; keep: number; compress: boolean }
    | undefined;
  plugin: string[] | undefined;
  /**
   * What becomes of the plugin's standard output: nothing, or it is appended to the output file in place of the
   * lines themselves; then there is one process per output file.
   */
  pluginStdout: 'discard' | 'file';
}
