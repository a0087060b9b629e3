import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { loadMountSettings, loadServerSettings } from '../src/index.js';

/** The examples lie at the root of the repository; this file runs from dist/test. */
function example(name: string): string {
  return fileURLToPath(new URL(`../../../../configs/${name}`, import.meta.url));
}

test('the examples of k2hft say the same in YAML and INI', () => {
  const settings = loadMountSettings({ file: example('k2hft.yaml'), env: {} });
  assert.deepEqual(loadMountSettings({ file: example('k2hft.ini'), env: {} }), settings);
  assert.equal(settings.mount.point, '/var/log/app');
  assert.equal(settings.rules.length, 3);
});

test('apart from what they call an example, they hold the defaults', () => {
  const { mount, rules, ...rest } = loadMountSettings({ file: example('k2hft.yaml'), env: {} });
  const defaults = loadMountSettings({ json: '{"servers": {"urls": ["ws://127.0.0.1:8020"]}}', env: {} });
  assert.deepEqual({ ...rest, mount: { ...mount, point: undefined }, rules: rules.slice(2) }, defaults);
});

test('the examples of k2hft-svr say the same in YAML and INI, and hold the defaults', () => {
  const settings = loadServerSettings({ file: example('k2hft-svr.yaml'), env: {} });
  assert.deepEqual(loadServerSettings({ file: example('k2hft-svr.ini'), env: {} }), settings);
  assert.deepEqual(settings, loadServerSettings({ json: '{"output": {"dir": "/var/log/all"}}', env: {} }));
});
