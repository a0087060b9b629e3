import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMountSettings, type MountSettings } from '@k2hft/config';
import { concernsWorker, refusedChanges } from '../src/settings-change.js';

function settings(changed: Record<string, Record<string, unknown>> = {}): MountSettings {
  const servers = { urls: ['ws://agg1:8020'], ...changed['servers'] };
  return loadMountSettings({ json: JSON.stringify({ ...changed, servers }), point: '/mnt', env: {} });
}

const before = settings();

void test('what hangs on the mount is refused, each with its key', () => {
  const after = settings({
    mount: { mode: 'virtual', umask: '077' },
    queue: { dir: '/elsewhere' },
    admin: { socket: '/run/other.sock' },
  });
  const keys = refusedChanges(before, after).map((reason) => reason.split(' ', 1)[0]);
  assert.deepEqual(keys, ['mount.mode', 'mount.umask', 'queue.dir', 'admin.socket']);
  assert.deepEqual(refusedChanges(before, { ...before, host: 'other' }), [
    'host cannot change while it is mounted: umount and mount again, or take the change back',
  ]);
});

void test('everything else may change, and some of it concerns the worker', () => {
  const ofForwarder = settings({ servers: { urls: ['ws://agg2:8020'], deliver: 'hash', linger: '5ms' } });
  assert.deepEqual(refusedChanges(before, ofForwarder), []);
  assert.equal(concernsWorker(before, ofForwarder), false);
  for (const changed of [
    { queue: { max_size: '1GiB' } },
    { log: { level: 'debug' } },
    { servers: { deliver: 'broadcast' } },
  ]) {
    assert.deepEqual(refusedChanges(before, settings(changed)), []);
    assert.equal(concernsWorker(before, settings(changed)), true);
  }
});

void test('with a driver whose mount ends with the worker, what concerns the worker is refused', () => {
  const native = settings({ mount: { driver: 'fuse-native' } });
  const after = settings({ mount: { driver: 'fuse-native' }, queue: { max_size: '1GiB' } });
  assert.match(
    refusedChanges(native, after).join(),
    /^queue cannot change while mount\.driver is fuse-native/,
  );
});
