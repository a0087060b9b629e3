import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandServerUrl, serverUrls } from '../src/server-urls.js';
import { loadMountSettings } from '../src/index.js';
import { readValue } from './reading-helpers.js';

test('a pattern stands for several hosts', () => {
  const cases: Record<string, string[]> = {
    'ws://agg[1-3].example.com:8020': [1, 2, 3].map((n) => `ws://agg${n}.example.com:8020`),
    'wss://agg[a-c]/logs': ['wss://agga/logs', 'wss://aggb/logs', 'wss://aggc/logs'],
    'ws://[one,two][1,3-4]:1': ['one1', 'one3', 'one4', 'two1', 'two3', 'two4'].map(
      (host) => `ws://${host}:1`,
    ),
  };
  for (const [written, urls] of Object.entries(cases)) assert.deepEqual(expandServerUrl(written), urls);
});

test('an address of IPv6 and a plain host stand for themselves', () => {
  for (const url of [
    'ws://[::1]:8020',
    'wss://[fe80::1]/x',
    'ws://host',
    'ws://10.0.0.1:1',
    'nonsense',
    '',
  ]) {
    assert.deepEqual(expandServerUrl(url), [url]);
  }
});

test('none is in the list twice, however it is written', () => {
  assert.deepEqual(readValue(serverUrls, ['ws://agg[1-2]:1', 'ws://AGG2:1']).messages, [
    '"ws://AGG2:1" is in the list already',
  ]);
  assert.deepEqual(readValue(serverUrls, ['ws://agg[1,1]:1']).value, ['ws://agg1:1']);
});

test('what is wrong with a pattern is said', () => {
  const messages = (url: string) => readValue(serverUrls, [url]).messages.join('\n');
  assert.match(messages('ws://agg[3-1]:1'), /agg\[1-3\].*"ws:\/\/agg\[3-1\]:1": 3-1 goes backwards/);
  assert.match(messages('ws://agg[1'), /a \[ without its \].*double quotes/);
  assert.match(messages('ws://agg[1-2]:0'), /port 0/);
  assert.match(messages('http://agg[1-2]'), /expected a URL such as/);
});

test('a configuration holds the hosts that its patterns stand for', () => {
  const json = JSON.stringify({
    mount: { point: '/mnt' },
    servers: { urls: ['ws://agg[1-2]:8020', 'ws://[::1]:8020'] },
    rules: [{ path: '*' }],
  });
  assert.deepEqual(loadMountSettings({ json, env: {} }).servers.urls, [
    'ws://agg1:8020',
    'ws://agg2:8020',
    'ws://[::1]:8020',
  ]);
});
