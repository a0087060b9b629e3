import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleSettings } from '@k2hft/config';
import { compileRules } from '../src/rules.js';

function rule(path: string, send: RuleSettings['send'] = 'lines') {
  return { path, send, maxRecordBytes: 1024, lineTimeoutMs: 0 };
}

const rules = [
  rule('secret/**', 'no'),
  rule('*.bin', 'binary'),
  rule('nginx/*.log'),
  rule('deep/**'),
  rule('grün.log'),
];
const find = compileRules(rules);

const cases: [path: string, rule: string | undefined][] = [
  ['a.bin', '*.bin'],
  ['sub/a.bin', undefined],
  ['.hidden.bin', '*.bin'],
  ['nginx/access.log', 'nginx/*.log'],
  ['nginx/old/access.log', undefined],
  ['deep/a', 'deep/**'],
  ['deep/a/b/.c', 'deep/**'],
  ['secret/deep.bin', undefined],
  ['other', undefined],
  [Buffer.from('grün.log').toString('latin1'), 'grün.log'],
];

for (const [path, expected] of cases) {
  void test(`${path} is handled by ${expected ?? 'no rule'}`, () => {
    assert.equal(find(path)?.path, expected);
  });
}

void test('the first rule that matches wins', () => {
  assert.equal(compileRules([rule('*.log'), rule('a.log', 'binary')])('a.log')?.send, 'lines');
});
