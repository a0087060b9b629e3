import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { loadMountSettings, loadServerSettings } from '../src/index.js';

/** A file of every key that k2hft knows; the files that it names have to be in the folder. */
const MOUNT_YAML = `
mount:
  point: /var/log/app
  mode: virtual
  allow_other: false
  umask: 022
  uid: 10
  gid: 20
  present: [log/, log/app.log]
  df: endless
  driver: fuse-native
host: \${HOSTNAME}
queue: { dir: queue, max_size: 1GiB, min_free: 1GB, when_full: drop_oldest, max_wait: 1m, expire: 7d, checkpoint: 2s }
servers:
  deliver: broadcast
  urls: [ws://agg1:8020, ws://agg2:8020]
  failover_after: 3s
  token_file: token
  tls: { ca: ca.pem, cert: me.pem, key: me.key }
  compression: auto
  linger: 5ms
  linger_records: 100
rules:
  - path: "access.log"
    send: lines
    max_record: 2MiB
    long_records: drop
    line_timeout: 30s
    default: deny
    select: [INFO, ['(a), (b)', '$2$1']]
    allow: ['ERROR', 'WARN']
    deny: ['/healthz']
    rewrite: [['password=\\S+', 'password=***'], ['(a), (b)', '$2, "$1"']]
    copy_to: /backup/logs/
    copy_base: log/a
    copy_what: filtered
    plugin: ["./mask", "--fast"]
    plugin_stdout: /backup/masked
    plugin_buffer: 1MiB
    quota: 10MiB/s
  - path: "**"
    send: binary
admin: { socket: app.sock, listen: 127.0.0.1:9105, unhealthy_after: 90s }
log: { level: debug, format: json }
shutdown_timeout: 3s
`;

const MOUNT_INI = `
host = \${HOSTNAME}
shutdown_timeout = 3
[mount]
point = /var/log/app
mode = virtual
allow_other = off
umask = 022
uid = 10
gid = 20
present = log/, log/app.log
df = endless
driver = fuse-native
[queue]
dir = queue
max_size = 1024MiB
min_free = 1000MB
when_full = drop_oldest
max_wait = 60
expire = 168h
checkpoint = 2000ms
[servers]
deliver = broadcast
urls = ws://agg1:8020
urls = ws://agg2:8020
failover_after = 3s
token_file = token
tls.ca = ca.pem
tls.cert = me.pem
tls.key = me.key
compression = auto
linger = 5ms
linger_records = 100
[rule]
path = access.log
send = lines
max_record = 2MiB
long_records = drop
line_timeout = 30s
default = deny
select = INFO
select = "(a), (b)", "$2$1"
allow = ERROR, "WARN"
deny = /healthz
rewrite = "password=\\S+", "password=***"
rewrite = "(a), (b)", "$2, ""$1"""
copy_to = /backup/logs/
copy_base = log/a
copy_what = filtered
plugin = ./mask, --fast
plugin_stdout = /backup/masked
plugin_buffer = 1MiB
quota = 10MiB/s
[rule]
path = **
send = binary
[admin]
socket = app.sock
listen = 127.0.0.1:9105
unhealthy_after = 90s
[log]
level = debug
format = json
`;

const SERVER_YAML = `
listen: wss://0.0.0.0:8020
tls: { cert: svr.pem, key: svr.key, client_ca: ca.pem }
tokens_file: tokens
max_connections: 5
limits: { rate: 10MiB/s, streams: 1000, handshake_timeout: 5s, idle_timeout: 30s }
state_dir: state
output:
  dir: all
  path: "{host}/{path}"
  format: "%T %H %l\\\\n"
  time_format: "%F"
  mode: 0664
  fsync: always
  rotate: { size: 1GiB, every: 1d, keep: 3, compress: no }
  plugin: ["./mask"]
  plugin_stdout: file
relay:
  queue: { dir: relay, max_wait: 1s }
  servers: { urls: [ws://b:1], tls: { ca: ca.pem } }
admin: { listen: 9106, unhealthy_after: 1h }
log: { level: warn, format: json }
shutdown_timeout: 1m
`;

const SERVER_INI = `
listen = wss://0.0.0.0:8020
tokens_file = tokens
max_connections = 5
state_dir = state
shutdown_timeout = 60s
log = { level: warn, format: json }     ; a section on a line
[tls]
cert = svr.pem
key = svr.key
client_ca = ca.pem
[output]
dir = all
path = {host}/{path}
format = "%T %H %l\\n"
time_format = %F
mode = 0664
fsync = always
rotate = { size: 1GiB, every: 1d, keep: 3, compress: no }
plugin = ./mask
plugin_stdout = file
[relay]
servers = { urls: [ws://b:1], tls: { ca: ca.pem } }
[relay.queue]
dir = relay
max_wait = 1s
[admin]
listen = 9106
unhealthy_after = 60m
[limits]
rate = 10MiB/s
streams = 1000
handshake_timeout = 5s
idle_timeout = 30s
`;

function folderWithFiles(context: Parameters<typeof temporaryFolder>[0]): string {
  const folder = temporaryFolder(context);
  for (const name of ['token', 'tokens', 'ca.pem', 'me.pem', 'me.key', 'svr.pem', 'svr.key']) {
    writeFileSync(join(folder, name), '');
  }
  writeFileSync(join(folder, 'mask'), '', { mode: 0o755 });
  return folder;
}

function write(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

test('every key of k2hft, in YAML and in INI', (context) => {
  const folder = folderWithFiles(context);
  const env = { HOSTNAME: 'web1' };
  const settings = loadMountSettings({ file: write(folder, 'a.yaml', MOUNT_YAML), env });
  assert.deepEqual(settings, {
    mount: {
      point: '/var/log/app',
      mode: 'virtual',
      allowOther: false,
      umask: 0o22,
      uid: 10,
      gid: 20,
      present: ['log/', 'log/app.log'],
      df: 'endless',
      driver: 'fuse-native',
    },
    host: 'web1',
    queue: {
      dir: join(folder, 'queue'),
      maxSizeBytes: 1024 ** 3,
      minFree: { bytes: 1e9 },
      whenFull: 'drop_oldest',
      maxWaitMs: 60_000,
      expireMs: 7 * 86_400_000,
      checkpointMs: 2000,
    },
    servers: {
      deliver: 'broadcast',
      urls: ['ws://agg1:8020', 'ws://agg2:8020'],
      failoverAfterMs: 3000,
      tokenFile: join(folder, 'token'),
      tls: { ca: join(folder, 'ca.pem'), cert: join(folder, 'me.pem'), key: join(folder, 'me.key') },
      compression: 'auto',
      lingerMs: 5,
      lingerRecords: 100,
    },
    rules: [
      {
        path: 'access.log',
        send: 'lines',
        maxRecordBytes: 2 * 1024 ** 2,
        longRecords: 'drop',
        lineTimeoutMs: 30_000,
        default: 'deny',
        select: [
          { pattern: 'INFO', output: undefined },
          { pattern: '(a), (b)', output: '$2$1' },
        ],
        allow: ['ERROR', 'WARN'],
        deny: ['/healthz'],
        rewrite: [
          ['password=\\S+', 'password=***'],
          ['(a), (b)', '$2, "$1"'],
        ],
        copyTo: '/backup/logs/',
        copyBase: 'log/a',
        copyWhat: 'filtered',
        plugin: [join(folder, 'mask'), '--fast'],
        pluginStdout: '/backup/masked',
        pluginBufferBytes: 1024 ** 2,
        quotaBytesPerSecond: 10 * 1024 ** 2,
      },
      {
        path: '**',
        send: 'binary',
        maxRecordBytes: 1024 ** 2,
        longRecords: 'split',
        lineTimeoutMs: 0,
        default: 'allow',
        select: [],
        allow: [],
        deny: [],
        rewrite: [],
        copyTo: undefined,
        copyBase: undefined,
        copyWhat: 'written',
        plugin: undefined,
        pluginStdout: undefined,
        pluginBufferBytes: 64 * 1024 ** 2,
        quotaBytesPerSecond: undefined,
      },
    ],
    admin: {
      socket: join(folder, 'app.sock'),
      listen: { host: '127.0.0.1', port: 9105 },
      unhealthyAfterMs: 90_000,
    },
    log: { level: 'debug', format: 'json' },
    shutdownTimeoutMs: 3000,
  });
  assert.deepEqual(loadMountSettings({ file: write(folder, 'b.ini', MOUNT_INI), env }), settings);
  assert.deepEqual(loadMountSettings({ file: write(folder, 'c.CONF', MOUNT_INI), env }), settings);
});

test('every key of k2hft-svr, in YAML and in INI', (context) => {
  const folder = folderWithFiles(context);
  const settings = loadServerSettings({ file: write(folder, 'a.yml', SERVER_YAML), env: {} });
  assert.deepEqual(settings.tls, {
    cert: join(folder, 'svr.pem'),
    key: join(folder, 'svr.key'),
    clientCa: join(folder, 'ca.pem'),
  });
  assert.deepEqual(settings.output, {
    dir: join(folder, 'all'),
    path: '{host}/{path}',
    format: '%T %H %l\\n',
    timeFormat: '%F',
    mode: 0o664,
    fsync: 'always',
    rotate: { sizeBytes: 1024 ** 3, everyMs: 86_400_000, keep: 3, compress: false },
    plugin: [join(folder, 'mask')],
    pluginStdout: 'file',
  });
  assert.equal(settings.relay?.queue.dir, join(folder, 'relay'));
  assert.equal(settings.relay.queue.maxWaitMs, 1000);
  assert.deepEqual(settings.admin, {
    listen: { host: '127.0.0.1', port: 9106 },
    unhealthyAfterMs: 3_600_000,
  });
  assert.deepEqual(settings.limits, {
    bytesPerSecond: 10 * 1024 ** 2,
    streams: 1000,
    handshakeTimeoutMs: 5000,
    idleTimeoutMs: 30_000,
  });
  assert.deepEqual(loadServerSettings({ file: write(folder, 'b.conf', SERVER_INI), env: {} }), settings);
});
