import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadMountConfiguration, loadServerConfiguration } from '../../src/index.js';
import { notesOf } from './legacy-helpers.js';

/** The examples lie at the root of the repository; this file runs from dist/test/legacy. */
function example(name: string): string {
  return fileURLToPath(new URL(`../../../../../configs/${name}`, import.meta.url));
}

test('the examples of K2HFTFUSE say the same in INI, YAML and JSON', () => {
  const ini = loadMountConfiguration({ file: example('k2hftfuse.ini'), env: {} });
  assert.deepEqual(
    ini.settings.rules.map(({ path, send }) => [path, send]),
    [
      ['app/errors.log', 'lines'],
      ['app/**', 'lines'],
    ],
  );
  assert.equal(ini.settings.queue.dir, '/var/lib/k2hft/example.k2h.k2hft');
  assert.deepEqual(notesOf(ini, 'warn').length, 1);
  for (const name of ['k2hftfuse.yaml', 'k2hftfuse.json'])
    assert.deepEqual(loadMountConfiguration({ file: example(name), env: {} }).settings, ini.settings, name);
});

test('the examples of K2HFTFUSESVR say the same in INI, YAML and JSON', () => {
  const { settings } = loadServerConfiguration({ file: example('k2hftfusesvr.ini'), env: {} });
  assert.equal(settings.listen, 'ws://0.0.0.0:8020');
  assert.equal(settings.output?.path, 'log/unify.log');
  for (const name of ['k2hftfusesvr.yaml', 'k2hftfusesvr.json'])
    assert.deepEqual(loadServerConfiguration({ file: example(name), env: {} }).settings, settings, name);
});

test('the example of a relay', () => {
  const { settings } = loadServerConfiguration({ file: example('k2hftfusesvr-trans.ini'), env: {} });
  assert.deepEqual(settings.relay?.servers.urls, ['ws://agg.example.com:8030']);
  assert.equal(settings.output?.dir, '/var/log/k2hft-example');
});
