import { commandLine } from './list-types.js';
import type { LogSettings, QueueSettings, ServersSettings } from './mount-settings.js';
import { existingFile, program } from './path-types.js';
import {
  anyText,
  duration,
  integer,
  listenAddress,
  oneOf,
  size,
  sizeOrPercent,
  TIMER_MS_MAX,
} from './scalar-types.js';
import { serverUrls } from './server-urls.js';
import { optional, section, withDefault, type Field } from './section.js';

/** Keys that k2hft and k2hft-svr have in common. */

/** A duration that a timer waits for. */
export const timerDuration = duration(0, TIMER_MS_MAX);

export const plugin = commandLine(program, anyText);

export const log = section<LogSettings>({
  level: withDefault('level', oneOf('silent', 'error', 'warn', 'info', 'debug'), 'info'),
  format: withDefault('format', oneOf('text', 'json'), 'text'),
});

export const SHUTDOWN_TIMEOUT = withDefault('shutdown_timeout', timerDuration, '10s');

/** What both commands offer over HTTP. */
export const admin = {
  listen: optional('listen', listenAddress),
  unhealthyAfterMs: withDefault('unhealthy_after', duration(1000), '5m'),
};

/** @param dir how the folder is given: a mount has a usual place for it, a relay has none */
export function queue(dir: Field<string>) {
  return section<QueueSettings>({
    dir,
    maxSizeBytes: withDefault('max_size', size(1), '10GiB'),
    minFree: withDefault('min_free', sizeOrPercent, '5%'),
    whenFull: withDefault('when_full', oneOf('block', 'drop_oldest', 'drop_newest'), 'block'),
    maxWaitMs: withDefault('max_wait', timerDuration, '5s'),
    expireMs: withDefault('expire', duration(), '0s'),
    checkpointMs: withDefault('checkpoint', timerDuration, '1s'),
  });
}

/** Far more than any batch holds. */
const LINGER_RECORDS_MAX = 1_000_000_000;

const clientTls = section<NonNullable<ServersSettings['tls']>>(
  {
    ca: optional('ca', existingFile),
    cert: optional('cert', existingFile),
    key: optional('key', existingFile),
  },
  (tls, complain) => {
    if (tls.cert !== undefined && tls.key === undefined)
      complain(['cert'], 'a certificate needs its key: give tls.key');
    if (tls.key !== undefined && tls.cert === undefined)
      complain(['key'], 'a key needs its certificate: give tls.cert');
  },
);

export const servers = section<ServersSettings>({
  deliver: withDefault('deliver', oneOf('failover', 'random', 'hash', 'broadcast'), 'failover'),
  urls: withDefault('urls', serverUrls, []),
  failoverAfterMs: withDefault('failover_after', timerDuration, '5s'),
  tokenFile: optional('token_file', existingFile),
  tls: optional('tls', clientTls),
  compression: withDefault('compression', oneOf('none', 'auto', 'gzip', 'zstd'), 'none'),
  lingerMs: withDefault('linger', timerDuration, '0ms'),
  lingerRecords: withDefault('linger_records', integer(0, LINGER_RECORDS_MAX), '0'),
});

/** What is said when there is something to send and nowhere to send it. */
export const NO_URLS = 'missing; expected at least one server, such as urls: [ws://host:8020]';
