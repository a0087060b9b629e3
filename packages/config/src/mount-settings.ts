/**
 * The settings of `k2hft`, complete: every default is filled in, every size is in bytes, every duration in
 * milliseconds, every path absolute. The files that users write are described in the README.
 */
export interface MountSettings {
  mount: {
    /** Absolute path of the mount point; undefined when neither the file nor the command line named one. */
    point: string | undefined;
    mode: 'overlay' | 'virtual';
    allowOther: boolean;
    /** Permission bits taken away from what the mount shows; undefined leaves modes as they are. */
    umask: number | undefined;
    /** Owner shown for everything in the mount; undefined shows the real one. */
    uid: number | undefined;
    gid: number | undefined;
    /**
     * Virtual mounts: names that are there from the start, relative to the mount point; those of directories end in a
     * slash.
     */
    present: string[];
    /** What a virtual mount shows as its free space: the room in the queue, or 1 TiB that never fills. */
    df: 'room' | 'endless';
    driver: 'kernel' | 'fuse-native';
  };
  /** The host name that records carry. */
  host: string;
  queue: QueueSettings;
  servers: ServersSettings;
  rules: RuleSettings[];
  admin: {
    /** Absolute path of the status socket; undefined: chosen from the mount point. */
    socket: string | undefined;
    listen: ListenAddress | undefined;
    /** Undelivered data that is older than this is unhealthy. */
    unhealthyAfterMs: number;
  };
  log: LogSettings;
  /** How long SIGTERM waits for what is in flight. */
  shutdownTimeoutMs: number;
}

export interface QueueSettings {
  /** Absolute path. */
  dir: string;
  maxSizeBytes: number;
  /** Room that the queue leaves free on the file system of `dir`. */
  minFree: { bytes: number } | { percent: number };
  whenFull: 'block' | 'drop_oldest' | 'drop_newest';
  maxWaitMs: number;
  /** 0: never. */
  expireMs: number;
  checkpointMs: number;
}

export interface ServersSettings {
  deliver: 'failover' | 'random' | 'hash' | 'broadcast';
  /** ws:// or wss:// URLs, in order of preference. */
  urls: string[];
  failoverAfterMs: number;
  tokenFile: string | undefined;
  tls: { ca: string | undefined; cert: string | undefined; key: string | undefined } | undefined;
  compression: 'none' | 'auto' | 'gzip' | 'zstd';
  lingerMs: number;
  lingerRecords: number;
}

export interface RuleSettings {
  /** Glob relative to the mount point; `**` crosses directories. */
  path: string;
  send: 'lines' | 'binary' | 'no';
  maxRecordBytes: number;
  /** What happens to a line that is longer than that: it is sent in pieces, or dropped whole. */
  longRecords: 'split' | 'drop';
  /** 0: an unfinished line is sent only at close. */
  lineTimeoutMs: number;
  default: 'allow' | 'deny';
  /** Tried in order before `allow`: the first that matches a line decides what becomes of it. */
  select: SelectEntry[];
  allow: string[];
  deny: string[];
  /** Pairs of pattern and replacement. */
  rewrite: [string, string][];
  copyTo: string | undefined;
  /** Directory in the mount whose own path is left out of the names below a directory `copyTo`; undefined: nothing is. */
  copyBase: string | undefined;
  /** Whether the copy gets what was written, or what filter and rewrite leave of it. */
  copyWhat: 'written' | 'filtered';
  plugin: string[] | undefined;
  /** File that the plugin's standard output is appended to; a directory when it ends in `/`; undefined: it is thrown away. */
  pluginStdout: string | undefined;
  /** How far a plugin may be behind before its oldest lines are dropped. */
  pluginBufferBytes: number;
  /** Bytes per second; undefined: no limit. */
  quotaBytesPerSecond: number | undefined;
}

export interface SelectEntry {
  /** A regular expression. */
  pattern: string;
  /** What the whole line becomes, with `$1`, `$&` and `$$` as in JavaScript; undefined: the line stays as it is. */
  output: string | undefined;
}

export interface ListenAddress {
  host: string;
  port: number;
}

export interface LogSettings {
  level: 'silent' | 'error' | 'warn' | 'info' | 'debug';
  format: 'text' | 'json';
}
