import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { pluginName } from '../src/plugin-name.js';

test('a plugin is called by the program that is of interest', () => {
  const rows: [command: string[], name: string][] = [
    [['/usr/local/bin/index', '--fast'], '/usr/local/bin/index'],
    [['/usr/bin/env', '-i', '/usr/bin/tr', 'a', 'b'], '/usr/bin/tr'],
    [['/usr/bin/env', '-i', 'A=1', 'B=2', '/usr/bin/tr', 'a=b'], '/usr/bin/tr'],
    [['env', 'A=1'], 'env'],
    [['/opt/environment', 'A=1', 'x'], '/opt/environment'],
    [[], ''],
  ];
  for (const [command, name] of rows) assert.equal(pluginName(command), name, command.join(' '));
});
