import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../src/index.js';

test('nothing in a message can pass for another entry, or reach the terminal', () => {
  const lines: string[] = [];
  const log = createLog('k2hft', { level: 'info', format: 'text' }, (line) => lines.push(line));
  log('warn', 'a\nk2hft: error: forged\r\x1b[31m\u2028\u202e\x9b\\');
  assert.deepEqual(lines, [
    'k2hft: warn: a\n    k2hft: error: forged\\x0d\\x1b[31m\\u{2028}\\u{202e}\\x9b\\\n',
  ]);
});

test('what may be a secret in the URL of a server is in no log', () => {
  for (const format of ['text', 'json'] as const) {
    const lines: string[] = [];
    const log = createLog('k2hft', { level: 'info', format }, (line) => lines.push(line));
    log('warn', 'ws://a:1/in?key=secret: connect ECONNREFUSED');
    assert.match(lines.join(), /ws:\/\/a:1\/in: connect ECONNREFUSED/);
  }
});
