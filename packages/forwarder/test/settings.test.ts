import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursorsOf } from '../src/index.js';
import { checkServers } from '../src/settings.js';
import { settings } from './helpers/start-forwarder.js';

test('modes that need one server share a cursor, a broadcast has one per server', () => {
  const urls = ['ws://one:1', 'ws://TWO:2/'];
  assert.deepEqual(cursorsOf({ deliver: 'failover', urls }), ['any']);
  assert.deepEqual(cursorsOf({ deliver: 'hash', urls }), ['any']);
  assert.deepEqual(cursorsOf({ deliver: 'broadcast', urls }), ['to ws://one:1/', 'to ws://two:2/']);
});

test('servers that cannot be connected to are refused with the reason', () => {
  assert.throws(
    () => {
      checkServers(settings([]));
    },
    { name: 'ForwarderError', message: /at least one server/ },
  );
  assert.throws(
    () => {
      checkServers(settings(['http://a']));
    },
    { message: /"http:\/\/a" is no ws/ },
  );
  assert.throws(
    () => {
      checkServers(settings(['nonsense']));
    },
    { code: 'settings' },
  );
  assert.throws(
    () => {
      checkServers(settings(['ws://a:1', 'ws://A:1/']));
    },
    { message: /twice/ },
  );
  checkServers(settings(['ws://a:1', 'wss://a:1']));
});
