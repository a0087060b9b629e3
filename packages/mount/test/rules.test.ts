import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleSettings } from '@k2hft/config';
import { compileGlobs, compileRules } from '../src/rules.js';
import { ruleSettings } from './rule-settings.js';

function rule(path: string, send: RuleSettings['send'] = 'lines') {
  return ruleSettings({ path, send });
}

const rules = [
  rule('secret/**', 'no'),
  rule('*.bin', 'binary'),
  rule('nginx/*.log'),
  rule('deep/**'),
  rule('grün.log'),
];
const find = compileGlobs(rules);

const cases: [path: string, rule: string | undefined][] = [
  ['a.bin', '*.bin'],
  ['sub/a.bin', undefined],
  ['.hidden.bin', '*.bin'],
  ['nginx/access.log', 'nginx/*.log'],
  ['nginx/old/access.log', undefined],
  ['deep/a', 'deep/**'],
  ['deep/a/b/.c', 'deep/**'],
  ['secret/deep.bin', 'secret/**'],
  ['nginx/line\nbreak.log', 'nginx/*.log'],
  ['deep/line\nbreak/a', 'deep/**'],
  ['other', undefined],
  [Buffer.from('grün.log').toString('latin1'), 'grün.log'],
];

for (const [path, expected] of cases) {
  void test(`${JSON.stringify(path)} is handled by ${expected ?? 'no rule'}`, () => {
    assert.equal(find(path)?.path, expected);
  });
}

void test('the first rule that matches wins', () => {
  assert.equal(compileRules([rule('*.log'), rule('a.log', 'binary')])('a.log')?.settings.send, 'lines');
});

void test('a rule that sends nothing is captured for its plugin or its copy only', () => {
  const only = (changes: Partial<RuleSettings>) =>
    compileRules([ruleSettings({ send: 'no', ...changes })])('a');
  assert.equal(only({}), undefined);
  assert.equal(only({ plugin: ['/bin/cat'] })?.delivery, 'plugins');
  const copied = only({ copyTo: '/copy', deny: ['x'] });
  assert.deepEqual([copied?.delivery, copied?.copiesOnly, copied?.filter], ['nobody', true, undefined]);
  assert.equal(only({ copyTo: '/copy', copyWhat: 'filtered' })?.copiesOnly, false);
});
