import { hostname } from 'node:os';
import { listOf, pairOf, patternAndOutput } from './list-types.js';
import type { MountSettings, RuleSettings } from './mount-settings.js';
import { hostName } from './network-types.js';
import { fileOrDirectory, nameInMount, path } from './path-types.js';
import { glob, regularExpression } from './pattern-types.js';
import { anyText, boolean, integer, oneOf, rate, size, umask } from './scalar-types.js';
import { always, optional, required, section, withDefault } from './section.js';
import {
  admin,
  log,
  NO_URLS,
  plugin,
  queue,
  servers,
  SHUTDOWN_TIMEOUT,
  timerDuration,
} from './shared-schema.js';
import { parseSize } from './units.js';
import { escapeVariables } from './variables.js';

/** The largest user and group id of Linux; the one above it means "no id". */
const ID_MAX = 4_294_967_294;

/** A record travels in one batch, and a batch's payload ends at 16 MiB; half of it leaves room for its neighbours. */
const MAX_RECORD_BYTES_MAX = 8 * 1024 * 1024;

const mount = section<MountSettings['mount']>({
  point: optional('point', path),
  mode: withDefault('mode', oneOf('overlay', 'virtual'), 'overlay'),
  allowOther: withDefault('allow_other', boolean, 'yes'),
  umask: optional('umask', umask),
  uid: optional('uid', integer(0, ID_MAX)),
  gid: optional('gid', integer(0, ID_MAX)),
  present: withDefault(
    'present',
    listOf(nameInMount, { expected: 'a list of paths below the mount point such as [log/, log/app.log]' }),
    [],
  ),
  df: withDefault('df', oneOf('room', 'endless'), 'room'),
  driver: withDefault('driver', oneOf('kernel', 'fuse-native'), 'kernel'),
});

const patterns = listOf(regularExpression, {
  expected: "a list of regular expressions such as ['ERROR', 'WARN']",
});

const REWRITE_PAIR = "a pattern and its replacement, such as ['password=\\S+', 'password=***']";

const SELECT_ENTRY = "a pattern, or a pattern and what the line becomes, such as ['(.*)ERROR(.*)', '$1E$2']";

/** What a plugin's host keeps for it: seconds of a busy log, and little of a queue's room. */
const PLUGIN_BUFFER = '64MiB';

const rule = section<RuleSettings>(
  {
    path: required('path', glob),
    send: withDefault('send', oneOf('lines', 'binary', 'no'), 'lines'),
    maxRecordBytes: withDefault('max_record', size(1, MAX_RECORD_BYTES_MAX), '1MiB'),
    longRecords: withDefault('long_records', oneOf('split', 'drop'), 'split'),
    lineTimeoutMs: withDefault('line_timeout', timerDuration, '0s'),
    default: withDefault('default', oneOf('allow', 'deny'), 'allow'),
    select: withDefault(
      'select',
      listOf(patternAndOutput(regularExpression, anyText, SELECT_ENTRY), {
        expected: `a list, each ${SELECT_ENTRY}`,
      }),
      [],
    ),
    allow: withDefault('allow', patterns, []),
    deny: withDefault('deny', patterns, []),
    rewrite: withDefault(
      'rewrite',
      listOf(pairOf(regularExpression, anyText, REWRITE_PAIR), {
        expected: `a list of pairs, each ${REWRITE_PAIR}`,
      }),
      [],
    ),
    copyTo: optional('copy_to', fileOrDirectory),
    copyBase: optional('copy_base', nameInMount),
    copyWhat: withDefault('copy_what', oneOf('written', 'filtered'), 'written'),
    plugin: optional('plugin', plugin),
    pluginStdout: optional('plugin_stdout', fileOrDirectory),
    pluginBufferBytes: withDefault('plugin_buffer', size(1), PLUGIN_BUFFER),
    quotaBytesPerSecond: optional('quota', rate),
  },
  (settings, complain) => {
    for (const [keys, reason] of withoutEffect(settings)) {
      for (const key of keys) complain([key], `without effect ${reason}`);
    }
  },
);

/** Keys with which nothing would be done, and why. A value that is the default is no wish. */
function withoutEffect(settings: RuleSettings): [keys: string[], reason: string][] {
  const { send, copyTo, plugin } = settings;
  const found: [keys: string[], reason: string][] = [];
  const ofLines = given({
    default: settings.default === 'deny',
    select: settings.select.length > 0,
    allow: settings.allow.length > 0,
    deny: settings.deny.length > 0,
    rewrite: settings.rewrite.length > 0,
    long_records: settings.longRecords === 'drop',
    quota: settings.quotaBytesPerSecond !== undefined,
  });
  if (send === 'binary')
    found.push([ofLines, 'with send: binary, whose bytes are no lines; give send: lines, or leave it out']);
  if (copyTo === undefined) {
    const ofCopies = {
      copy_base: settings.copyBase !== undefined,
      copy_what: settings.copyWhat !== 'written',
    };
    found.push([given(ofCopies), 'without copy_to; give copy_to, or leave it out']);
  }
  if (plugin === undefined) {
    const ofPlugins = {
      plugin_stdout: settings.pluginStdout !== undefined,
      plugin_buffer: settings.pluginBufferBytes !== parseSize(PLUGIN_BUFFER),
    };
    found.push([given(ofPlugins), 'without plugin; give plugin, or leave it out']);
  }
  if (send === 'no' && copyTo === undefined && plugin === undefined)
    found.push([
      ofLines,
      'with send: no, unless there is copy_to or plugin; give one of them, or leave it out',
    ]);
  return found;
}

function given(keys: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(keys).filter((key) => keys[key] === true);
}

/** Without any rules everything is sent; an empty list sends nothing. */
const DEFAULT_RULES = [{ path: '**', send: 'lines' }];

/** The keys of `k2hft`, with their types and defaults, in the order in which they are shown. */
export const mountSchema = section<MountSettings>(
  {
    mount: always('mount', mount),
    host: withDefault('host', hostName, () => escapeVariables(hostname())),
    queue: always('queue', queue(withDefault('dir', path, '/var/lib/k2hft/queue'))),
    servers: always('servers', servers),
    rules: withDefault(
      'rules',
      listOf(rule, { expected: 'a list of rules, each with a path' }),
      DEFAULT_RULES,
    ),
    admin: always(
      'admin',
      section<MountSettings['admin']>({
        socket: optional('socket', path),
        ...admin,
      }),
    ),
    log: always('log', log),
    shutdownTimeoutMs: SHUTDOWN_TIMEOUT,
  },
  (settings, complain) => {
    const sends = settings.rules.some(({ send }) => send !== 'no');
    if (sends && settings.servers.urls.length === 0) complain(['servers', 'urls'], NO_URLS);
  },
);
