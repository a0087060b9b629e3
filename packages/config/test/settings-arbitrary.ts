import fc from 'fast-check';
import type { MountSettings, RuleSettings, ServerSettings } from '../src/index.js';

/**
 * Generators of valid settings. `file` exists, may be read and may be run. The clones at the end give objects
 * their usual prototype, which a strict comparison looks at.
 */

const TIMER_MS_MAX = 2_073_600_000;

const orNothing = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Words that look like something else to one of the dialects, and any other text on one line. */
const word = fc
  .oneof(
    fc.constantFrom(
      'null',
      '~',
      '~/x',
      'yes',
      '022',
      '# a',
      'a # b',
      'a; b',
      'a ; b',
      '$$',
      '${A}',
      '$${A}',
      '$1',
      '"',
      "'",
      '- a',
      '{a}',
      '[a]',
      'a: b',
      ' a ',
      ',',
      '*x',
      '&x',
      '!x',
      '\t',
      '%L',
      '@',
      '`',
      '|',
      '>',
      '?',
      '\\',
      '\\n',
      '---',
      'ü',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  )
  .filter((text) => !/[\0\r\n]/.test(text));

const anyWord = fc.oneof(fc.constant(''), word);
const host = word.filter((text) => !/[\s/\p{Cc}]|^\.+$/u.test(text));
const segment = word.filter((text) => !/[/{}[\]\\]|^\.+$/.test(text));
const path = fc.array(segment, { maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
const nameInMount = fc.tuple(segment, fc.constantFrom('', '/')).map(([name, slash]) => name + slash);
const globPath = fc.oneof(fc.constantFrom('**', '*.log', 'a/{b,c}/[!x]?', 'a, b'), segment);
const pattern = fc.oneof(
  word.filter((text) => {
    try {
      new RegExp(text, 'u');
      return true;
    } catch {
      return false;
    }
  }),
  fc.constantFrom('^a$', 'password=\\S+', 'a{1,3}', '\\p{Lu}', '"a, b"', '# x', '\\$\\{x\\}'),
);
const timerMs = fc.oneof(
  fc.nat({ max: TIMER_MS_MAX }),
  fc.nat({ max: 100 }).map((seconds) => seconds * 1000),
);
const bytes = fc.oneof(
  fc.integer({ min: 1, max: 1e12 }),
  fc.integer({ min: 1, max: 4096 }).map((count) => count * 1024),
);
const listen = fc.record({
  host: fc.constantFrom('127.0.0.1', '::1', 'localhost', '0.0.0.0'),
  port: fc.integer({ min: 0, max: 65_535 }),
});
const unhealthyAfterMs = fc.integer({ min: 1000, max: 1e12 });
const log = fc.record({
  level: fc.constantFrom('error', 'warn', 'info', 'debug'),
  format: fc.constantFrom('text', 'json'),
});

const queue: fc.Arbitrary<MountSettings['queue']> = fc.record({
  dir: path,
  maxSizeBytes: bytes,
  minFree: fc.oneof(
    bytes.map((free) => ({ bytes: free })),
    fc.nat({ max: 10_000 }).map((hundredths) => ({ percent: hundredths / 100 })),
  ),
  whenFull: fc.constantFrom('block', 'drop_oldest', 'drop_newest'),
  maxWaitMs: timerMs,
  expireMs: fc.nat({ max: 1e12 }),
  checkpointMs: timerMs,
});

const servers = (file: string): fc.Arbitrary<MountSettings['servers']> =>
  fc.record({
    deliver: fc.constantFrom('failover', 'random', 'hash', 'broadcast'),
    urls: fc.uniqueArray(fc.constantFrom('ws://a:8020', 'wss://[::1]:1', 'ws://b/x?y=1,2', 'ws://c'), {
      minLength: 1,
    }),
    failoverAfterMs: timerMs,
    tokenFile: orNothing(fc.constant(file)),
    tls: orNothing(
      fc.oneof(
        fc.record({ ca: orNothing(fc.constant(file)), cert: fc.constant(file), key: fc.constant(file) }),
        // Not all three left out: in INI, a section without keys is not there.
        fc.record({ ca: fc.constant(file), cert: fc.constant(undefined), key: fc.constant(undefined) }),
      ),
    ),
    compression: fc.constantFrom('none', 'auto', 'gzip', 'zstd'),
    lingerMs: timerMs,
    lingerRecords: fc.nat({ max: 1e9 }),
  });

const rule = (file: string): fc.Arbitrary<RuleSettings> =>
  fc
    .record({
      path: globPath,
      send: fc.constantFrom('lines', 'binary', 'no'),
      maxRecordBytes: fc.integer({ min: 1, max: 8 * 1024 * 1024 }),
      longRecords: fc.constantFrom('split', 'drop'),
      lineTimeoutMs: timerMs,
      default: fc.constantFrom('allow', 'deny'),
      select: fc.array(fc.record({ pattern, output: orNothing(anyWord) }), { maxLength: 3 }),
      allow: fc.array(pattern, { maxLength: 3 }),
      deny: fc.array(pattern, { maxLength: 3 }),
      rewrite: fc.array(fc.tuple(pattern, anyWord), { maxLength: 3 }),
      copyTo: orNothing(
        fc.oneof(
          path,
          path.map((folder) => (folder === '/' ? '/' : `${folder}/`)),
        ),
      ),
      plugin: orNothing(
        fc
          .tuple(fc.constantFrom('sh', file), fc.array(anyWord, { maxLength: 3 }))
          .map(([program, words]) => [program, ...words]),
      ),
      copyBase: orNothing(nameInMount),
      copyWhat: fc.constantFrom('written', 'filtered'),
      pluginStdout: orNothing(path),
      pluginBufferBytes: bytes,
      quotaBytesPerSecond: orNothing(bytes),
    })
    .map((settings) => ({
      ...settings,
      ...(settings.copyTo === undefined ? NO_COPY : {}),
      ...(settings.plugin === undefined ? NO_PLUGIN : {}),
      ...(hasUsefulFilter(settings) ? {} : NO_FILTER),
    }));

function hasUsefulFilter({
  send,
  copyTo,
  plugin,
}: Pick<RuleSettings, 'send' | 'copyTo' | 'plugin'>): boolean {
  return send === 'lines' || (send === 'no' && (copyTo !== undefined || plugin !== undefined));
}

/** Keys without effect are refused. */
const NO_COPY = { copyBase: undefined, copyWhat: 'written' as const };
const NO_PLUGIN = { pluginStdout: undefined, pluginBufferBytes: 64 * 1024 * 1024 };

const NO_FILTER = {
  default: 'allow' as const,
  select: [],
  allow: [],
  deny: [],
  rewrite: [],
  longRecords: 'split' as const,
  quotaBytesPerSecond: undefined,
};

export const mountSettings = (file: string): fc.Arbitrary<MountSettings> =>
  fc
    .record({
      mount: fc.record({
        point: orNothing(path),
        mode: fc.constantFrom('overlay', 'virtual'),
        allowOther: fc.boolean(),
        umask: orNothing(fc.nat({ max: 0o777 })),
        uid: orNothing(fc.nat({ max: 4_294_967_294 })),
        gid: orNothing(fc.nat({ max: 4_294_967_294 })),
        present: fc.array(nameInMount, { maxLength: 3 }),
        df: fc.constantFrom('room', 'endless'),
        driver: fc.constantFrom('kernel', 'fuse-native'),
      }),
      host,
      queue,
      servers: servers(file),
      rules: fc.array(rule(file), { maxLength: 3 }),
      admin: fc.record({ socket: orNothing(path), listen: orNothing(listen), unhealthyAfterMs }),
      log,
      shutdownTimeoutMs: timerMs,
    })
    .map((settings) => structuredClone(settings));

const output = (file: string): fc.Arbitrary<NonNullable<ServerSettings['output']>> =>
  fc.record({
    dir: path,
    path: fc.oneof(fc.constantFrom('{path}', '{host}/{date:%Y-%m-%d}/{file}', 'log/unify.log'), segment),
    format: fc.oneof(
      fc.constantFrom('%L', '%T %H %l\\n', ' # %%'),
      word.filter((text) => !/[%\\]/.test(text)),
    ),
    timeFormat: word,
    fsync: fc.oneof(
      timerMs.map((gatherMs) => ({ gatherMs })),
      fc.constantFrom<('always' | 'no')[]>('always', 'no'),
    ),
    rotate: orNothing(
      fc.oneof(
        fc.record({
          sizeBytes: bytes,
          everyMs: fc.constant(undefined),
          keep: fc.nat({ max: 1000 }),
          compress: fc.boolean(),
        }),
        fc.record({
          sizeBytes: orNothing(bytes),
          everyMs: fc.integer({ min: 1000, max: 1e12 }),
          keep: fc.nat({ max: 1000 }),
          compress: fc.boolean(),
        }),
      ),
    ),
    plugin: orNothing(fc.array(anyWord, { maxLength: 3 }).map((words) => [file, ...words])),
    pluginStdout: fc.constantFrom('discard', 'file'),
    mode: fc.nat({ max: 0o77 }).map((others) => 0o600 + others),
  });

export const serverSettings = (file: string): fc.Arbitrary<ServerSettings> =>
  fc
    .record({
      listen: fc.constantFrom('ws://0.0.0.0:8020', 'wss://[::]:0'),
      tls: orNothing(
        fc.record({
          cert: fc.constant(file),
          key: fc.constant(file),
          clientCa: orNothing(fc.constant(file)),
        }),
      ),
      tokensFile: orNothing(fc.constant(file)),
      maxConnections: fc.integer({ min: 1, max: 1_000_000 }),
      limits: fc.record({
        bytesPerSecond: fc.oneof(fc.constant(0), fc.integer({ min: 1024 * 1024, max: 1e12 })),
        streams: fc.integer({ min: 1, max: 100_000_000 }),
        handshakeTimeoutMs: fc.integer({ min: 100, max: TIMER_MS_MAX }),
        idleTimeoutMs: fc.integer({ min: 10_000, max: TIMER_MS_MAX }),
      }),
      stateDir: path,
      output: orNothing(output(file)),
      relay: orNothing(fc.record({ queue, servers: servers(file) })),
      admin: fc.record({ listen: orNothing(listen), unhealthyAfterMs }),
      log,
      shutdownTimeoutMs: timerMs,
    })
    .filter(({ listen: url, tls }) => url.startsWith('ws:') || tls !== undefined)
    .filter(({ output: written, relay }) => written !== undefined || relay !== undefined)
    .map((settings) => structuredClone(settings));
