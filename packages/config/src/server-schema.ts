import { listenUrl } from './network-types.js';
import { existingFile, path } from './path-types.js';
import { outputPath, recordFormat } from './pattern-types.js';
import {
  boolean,
  duration,
  fileMode,
  fsyncPolicy,
  integer,
  oneOf,
  rateOrNone,
  size,
  text,
  TIMER_MS_MAX,
} from './scalar-types.js';
import { always, optional, required, section, withDefault } from './section.js';
import type { OutputSettings, ServerSettings } from './server-settings.js';
import { admin, log, NO_URLS, plugin, queue, servers, SHUTDOWN_TIMEOUT } from './shared-schema.js';

/** More connections than a process may have open files would be a promise that cannot be kept. */
const CONNECTIONS_MAX = 1_000_000;

/** A count of old files; beyond this a folder listing is no help any more. */
const KEEP_MAX = 100_000;

const rotate = section<NonNullable<OutputSettings['rotate']>>(
  {
    sizeBytes: optional('size', size(1)),
    everyMs: optional('every', duration(1000)),
    keep: withDefault('keep', integer(0, KEEP_MAX), '14'),
    compress: withDefault('compress', boolean, 'yes'),
  },
  ({ sizeBytes, everyMs }, complain) => {
    if (sizeBytes === undefined && everyMs === undefined) complain([], 'expected a size, or every, or both');
  },
);

const output = section<OutputSettings>({
  dir: required('dir', path),
  path: withDefault('path', outputPath, '{path}'),
  format: withDefault('format', recordFormat, '%L'),
  timeFormat: withDefault('time_format', text('a time format such as "%F %T"'), '%F %T'),
  mode: withDefault('mode', fileMode, '0640'),
  fsync: withDefault('fsync', fsyncPolicy, '50ms'),
  rotate: optional('rotate', rotate),
  plugin: optional('plugin', plugin),
  pluginStdout: withDefault('plugin_stdout', oneOf('discard', 'file'), 'discard'),
});

/**
 * A source connects anew when nothing is acknowledged for a minute. Below this rate, the longest message (32 MiB) would
 * never arrive.
 */
const RATE_MIN = 1024 * 1024;

/** Each live stream costs the server some 100 bytes. */
const STREAMS_MAX = 100_000_000;

const limits = section<ServerSettings['limits']>({
  bytesPerSecond: withDefault('rate', rateOrNone(RATE_MIN), '0'),
  streams: withDefault('streams', integer(1, STREAMS_MAX), '100000'),
  handshakeTimeoutMs: withDefault('handshake_timeout', duration(100, TIMER_MS_MAX), '10s'),
  // Peers are asked for a sign of life every 5 s.
  idleTimeoutMs: withDefault('idle_timeout', duration(10_000, TIMER_MS_MAX), '60s'),
});

const relay = section<NonNullable<ServerSettings['relay']>>(
  {
    queue: always('queue', queue(required('dir', path))),
    servers: always('servers', servers),
  },
  (settings, complain) => {
    if (settings.servers.urls.length === 0) complain(['servers', 'urls'], NO_URLS);
  },
);

/** The keys of `k2hft-svr`, with their types and defaults, in the order in which they are shown. */
export const serverSchema = section<ServerSettings>(
  {
    listen: withDefault('listen', listenUrl, 'ws://0.0.0.0:8020'),
    tls: optional(
      'tls',
      section<NonNullable<ServerSettings['tls']>>({
        cert: required('cert', existingFile),
        key: required('key', existingFile),
        clientCa: optional('client_ca', existingFile),
      }),
    ),
    tokensFile: optional('tokens_file', existingFile),
    maxConnections: withDefault('max_connections', integer(1, CONNECTIONS_MAX), '10000'),
    limits: always('limits', limits),
    stateDir: withDefault('state_dir', path, '/var/lib/k2hft-svr'),
    output: optional('output', output),
    relay: optional('relay', relay),
    admin: always('admin', section<ServerSettings['admin']>(admin)),
    log: always('log', log),
    shutdownTimeoutMs: SHUTDOWN_TIMEOUT,
  },
  (settings, complain) => {
    if (settings.listen.startsWith('wss:') && settings.tls === undefined) {
      complain(['listen'], 'wss:// needs a certificate: give tls.cert and tls.key');
    }
    if (settings.output === undefined && settings.relay === undefined) {
      complain(['output'], 'missing; nothing would be done with what arrives: give output.dir, or a relay');
    }
  },
);
