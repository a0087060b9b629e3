import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pluginRules, pluginStdoutOf } from '../src/plugin-rules.js';
import { ruleOf } from './plugin-queue.js';

void test('the output in a directory is called as the path is below the folders of the glob', () => {
  const file = (glob: string, path: string, pluginStdout = '/out/') => {
    const stdout = pluginStdoutOf({ path: glob, pluginStdout }, path);
    return stdout.kind === 'file' ? stdout.path : undefined;
  };
  assert.equal(file('log/*', 'log/a.log'), '/out/a.log');
  assert.equal(file('log/**', 'log/deep/a.log'), '/out/deep/a.log');
  assert.equal(file('log/a.log', 'log/a.log'), '/out/a.log');
  assert.equal(file('**', 'log/a.log'), '/out/log/a.log');
  assert.equal(file('log/{a,b}/*.log', 'log/a/x.log'), '/out/a/x.log');
  assert.equal(file('ö/*', Buffer.from('ö/a.log').toString('latin1')), '/out/a.log');
  assert.equal(file('log/*', 'log/a.log', '/one/file'), '/one/file');
  assert.equal(pluginStdoutOf({ path: '**', pluginStdout: undefined }, 'a').kind, 'discard');
});

void test('of two rules with the same glob only the first counts', () => {
  const rules = [
    ruleOf({ path: 'a' }),
    ruleOf({ path: 'a', plugin: ['never'] }),
    ruleOf({ path: 'b', plugin: ['first'] }),
    ruleOf({ path: 'b', plugin: ['second'] }),
  ];
  assert.deepEqual(
    pluginRules(rules).map(({ plugin }) => plugin),
    [['first']],
  );
});
