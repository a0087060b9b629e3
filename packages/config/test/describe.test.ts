import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import fc from 'fast-check';
import { plainSettings } from '../src/describe.js';
import { describeSettings, loadMountSettings, loadServerSettings } from '../src/index.js';
import { iniFromPlain } from './ini-from-plain.js';
import { mountSettings, serverSettings } from './settings-arbitrary.js';

test('settings are described with the keys of the contract', () => {
  const json =
    '{"host": "web1", "mount": {"umask": "077"}, "servers": {"urls": ["ws://a:1"]}, "admin": {"listen": 1}}';
  assert.equal(
    describeSettings(loadMountSettings({ json, env: {}, point: '/mnt' })),
    `mount:
  point: /mnt
  mode: overlay
  allow_other: yes
  umask: 077
  present: []
  df: room
  driver: kernel
host: web1
queue:
  dir: /var/lib/k2hft/queue
  max_size: 10GiB
  min_free: 5%
  when_full: block
  max_wait: 5s
  expire: 0s
  checkpoint: 1s
servers:
  deliver: failover
  urls: [ws://a:1]
  failover_after: 5s
  compression: none
  linger: 0s
  linger_records: 0
rules:
  - path: "**"
    send: lines
    max_record: 1MiB
    long_records: split
    line_timeout: 0s
    default: allow
    select: []
    allow: []
    deny: []
    rewrite: []
    copy_what: written
    plugin_buffer: 64MiB
admin:
  listen: 127.0.0.1:1
  unhealthy_after: 5m
log:
  level: info
  format: text
shutdown_timeout: 10s
`,
  );
});

test('a text may have several lines', (context) => {
  const rules = [{ path: '**', rewrite: [['a', '1\n  2\r\n\n']] }];
  const settings = loadMountSettings({
    json: JSON.stringify({ servers: { urls: ['ws://a:1'] }, rules }),
    env: {},
  });
  const file = join(temporaryFolder(context), 'a.yaml');
  writeFileSync(file, describeSettings(settings));
  assert.deepEqual(loadMountSettings({ file, env: {} }), settings);
});

/** A folder with a file that may be read and run, for settings that name files that must exist. */
function existingFile(context: Parameters<typeof temporaryFolder>[0]): string {
  const file = join(temporaryFolder(context), 'a, "file" # here');
  writeFileSync(file, '');
  chmodSync(file, 0o755);
  return file;
}

test('settings of k2hft survive being written and read, in every dialect', (context) => {
  const file = existingFile(context);
  const written = join(temporaryFolder(context), 'written');
  fc.assert(
    fc.property(mountSettings(file), (settings) => {
      const plain = plainSettings(settings);
      writeFileSync(`${written}.yaml`, describeSettings(settings));
      writeFileSync(`${written}.ini`, iniFromPlain(plain));
      assert.deepEqual(loadMountSettings({ file: `${written}.yaml`, env: {} }), settings);
      assert.deepEqual(loadMountSettings({ json: JSON.stringify(plain), env: {} }), settings);
      assert.deepEqual(loadMountSettings({ file: `${written}.ini`, env: {} }), settings);
    }),
  );
});

test('settings of k2hft-svr survive being written and read, in every dialect', (context) => {
  const file = existingFile(context);
  const written = join(temporaryFolder(context), 'written');
  fc.assert(
    fc.property(serverSettings(file), (settings) => {
      const plain = plainSettings(settings);
      writeFileSync(`${written}.yaml`, describeSettings(settings));
      writeFileSync(`${written}.ini`, iniFromPlain(plain));
      assert.deepEqual(loadServerSettings({ file: `${written}.yaml`, env: {} }), settings);
      assert.deepEqual(loadServerSettings({ json: JSON.stringify(plain), env: {} }), settings);
      assert.deepEqual(loadServerSettings({ file: `${written}.ini`, env: {} }), settings);
    }),
  );
});
