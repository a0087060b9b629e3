import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { loadMountSettings, loadServerSettings } from '../src/index.js';
import { errorOf, messagesOf } from './reading-helpers.js';

const URLS = '"servers": {"urls": ["ws://a:1"]}';

function write(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

test('the defaults of k2hft', () => {
  const settings = loadMountSettings({ json: `{${URLS}}`, env: {} });
  assert.equal(settings.host, hostname());
  assert.deepEqual(settings.mount, {
    point: undefined,
    mode: 'overlay',
    allowOther: true,
    umask: undefined,
    uid: undefined,
    gid: undefined,
    present: [],
    df: 'room',
    driver: 'kernel',
  });
  assert.deepEqual(settings.queue, {
    dir: '/var/lib/k2hft/queue',
    maxSizeBytes: 10 * 1024 ** 3,
    minFree: { percent: 5 },
    whenFull: 'block',
    maxWaitMs: 5000,
    expireMs: 0,
    checkpointMs: 1000,
  });
  assert.deepEqual(settings.admin, { socket: undefined, listen: undefined, unhealthyAfterMs: 300_000 });
  assert.deepEqual(settings.log, { level: 'info', format: 'text' });
  assert.equal(settings.shutdownTimeoutMs, 10_000);
  assert.equal(settings.rules.length, 1);
  assert.equal(settings.rules[0]?.path, '**');
  assert.equal(settings.rules[0].send, 'lines');
});

test('the defaults of k2hft-svr', () => {
  assert.deepEqual(loadServerSettings({ json: '{"output": {"dir": "/x"}}', env: {} }), {
    listen: 'ws://0.0.0.0:8020',
    tls: undefined,
    tokensFile: undefined,
    maxConnections: 10_000,
    limits: { bytesPerSecond: 0, streams: 100_000, handshakeTimeoutMs: 10_000, idleTimeoutMs: 60_000 },
    stateDir: '/var/lib/k2hft-svr',
    output: {
      dir: '/x',
      path: '{path}',
      format: '%L',
      timeFormat: '%F %T',
      mode: 0o640,
      fsync: { gatherMs: 50 },
      rotate: undefined,
      plugin: undefined,
      pluginStdout: 'discard',
    },
    relay: undefined,
    admin: { listen: undefined, unhealthyAfterMs: 300_000 },
    log: { level: 'info', format: 'text' },
    shutdownTimeoutMs: 10_000,
  });
});

test('an empty list of rules sends nothing, and needs no server', (context) => {
  const folder = temporaryFolder(context);
  assert.deepEqual(loadMountSettings({ json: '{"rules": []}', env: {} }).rules, []);
  assert.deepEqual(loadMountSettings({ file: write(folder, 'a.ini', 'rules =\n'), env: {} }).rules, []);
  const silent = loadMountSettings({ json: '{"rules": [{"path": "**", "send": "no"}]}', env: {} });
  assert.equal(silent.rules[0]?.send, 'no');
});

test('a relay needs no output', () => {
  const json = '{"relay": {"queue": {"dir": "/q"}, "servers": {"urls": ["ws://a:1"]}}}';
  assert.equal(loadServerSettings({ json, env: {} }).output, undefined);
});

test('the mount point of the command line wins, relative to the working directory', () => {
  const json = `{${URLS}, "mount": {"point": "/in/file"}}`;
  assert.equal(loadMountSettings({ json, env: {} }).mount.point, '/in/file');
  assert.equal(loadMountSettings({ json, env: {}, point: 'here' }).mount.point, resolve('here'));
  assert.equal(loadMountSettings({ json, env: {}, point: undefined }).mount.point, '/in/file');
});

test('HOSTNAME stands for the name of the system where it is not exported', () => {
  const json = `{${URLS}, "host": "\${HOSTNAME}.lan"}`;
  assert.equal(loadMountSettings({ json, env: {} }).host, `${hostname()}.lan`);
  assert.equal(loadMountSettings({ json, env: { HOSTNAME: 'x' } }).host, 'x.lan');
});

test('where a configuration comes from', (context) => {
  const folder = temporaryFolder(context);
  const host = (name: string) => `{${URLS}, "host": "${name}"}`;
  const file = write(folder, 'a.json', host('file'));
  const variableFile = write(folder, 'b.json', host('K2HFT_CONFIG'));
  const env = { K2HFT_CONFIG: variableFile, K2HFT_JSON: host('K2HFT_JSON') };
  assert.equal(loadMountSettings({ file, env }).host, 'file');
  assert.equal(loadMountSettings({ json: host('json'), env }).host, 'json');
  assert.equal(loadMountSettings({ env }).host, 'K2HFT_CONFIG');
  assert.equal(loadMountSettings({ env: { ...env, K2HFT_CONFIG: '' } }).host, 'K2HFT_JSON');

  const output = (dir: string) => `{"output": {"dir": "${dir}"}}`;
  const serverFile = write(folder, 'c.json', output('/file'));
  const serverEnv = { K2HFT_SVR_CONFIG: serverFile, K2HFT_SVR_JSON: output('/text') };
  assert.equal(loadServerSettings({ env: serverEnv }).output?.dir, '/file');
  assert.equal(loadServerSettings({ env: { K2HFT_SVR_JSON: output('/text') } }).output?.dir, '/text');
});

test('without any configuration, what to do is said', () => {
  const error = errorOf(() => loadMountSettings({ env: {} }));
  assert.equal(error.code, 'no_configuration');
  assert.equal(
    error.message,
    'no configuration: give a file with -c FILE or a text with --json STR, or set K2HFT_CONFIG or K2HFT_JSON; ' +
      'configs/k2hft.yaml is an example to start from',
  );
  assert.match(errorOf(() => loadServerSettings({ env: {} })).message, /K2HFT_SVR_CONFIG or K2HFT_SVR_JSON/);
});

test('a file that cannot be opened', (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'd.yaml'));
  writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('host: m\xfcller', 'latin1'));
  const known =
    'the extension tells how a file is written: expected one of .yaml .yml .json .ini .conf, found';
  const cases: [string, string][] = [
    ['a.toml', `${known} ".toml"`],
    ['noextension', `${known} none`],
    ['none.yaml', 'there is no such file'],
    ['d.yaml', 'cannot be read: EISDIR'],
    ['latin1.yaml', 'is not UTF-8 text'],
  ];
  for (const [name, message] of cases) {
    const file = join(folder, name);
    const error = errorOf(() => loadMountSettings({ file, env: {} }));
    assert.equal(error.code, 'unreadable');
    assert.deepEqual(error.problems, [{ file, line: 0, column: 0, key: '', message }]);
    assert.equal(error.message, `${file}: ${message}`);
  }
});

test('a file and a text together are one too many', () => {
  assert.deepEqual(
    messagesOf(() => loadMountSettings({ file: 'a.yaml', json: '{}', env: {} })),
    ['--json: a.yaml is given as well; give one of the two'],
  );
});

test('problems in a text name where the text came from', () => {
  assert.deepEqual(
    messagesOf(() => loadMountSettings({ json: `{${URLS},\n "hst": 1}`, env: {} })),
    ['--json:2:2: hst: unknown key; did you mean host?'],
  );
  assert.deepEqual(
    messagesOf(() => loadServerSettings({ env: { K2HFT_SVR_JSON: '[]' } })),
    ['K2HFT_SVR_JSON:1:1: expected a section with keys such as listen, tls, tokens_file, found a list'],
  );
});
