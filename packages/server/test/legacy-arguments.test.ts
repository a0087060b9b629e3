import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { translateLegacyArguments } from '../src/legacy-arguments.js';

test("K2HFTFUSESVR's flags become ours, and ours stay", () => {
  const rows: [given: string[], expected: string[]][] = [
    [
      ['-conf', '/etc/x.ini'],
      ['--config', '/etc/x.ini'],
    ],
    [
      ['-CONF', '/etc/x.ini', '-D', 'DUMP'],
      ['--config', '/etc/x.ini', '--log-level', 'DUMP'],
    ],
    [
      ['-json', '{"a":1}'],
      ['--json', '{"a":1}'],
    ],
    [
      ['-json', '/etc/x.json'],
      ['--config', '/etc/x.json'],
    ],
    [
      ['-conf', ' { "a": 1 }'],
      ['--json', ' { "a": 1 }'],
    ],
    [
      ['-json', '{}', '-conf', '/etc/x.ini'],
      ['--config', '/etc/x.ini'],
    ],
    [
      ['-g', 'err', '-dbg', 'msg'],
      ['--log-level', 'err', '--log-level', 'msg'],
    ],
    [['-h'], ['--help']],
    [['-Help'], ['--help']],
    [['-v'], ['--version']],
    [['-ver'], ['--version']],
    [['-Version'], ['--version']],
    [
      ['-c', 'x.yaml', '--json', '{}'],
      ['-c', 'x.yaml', '--json', '{}'],
    ],
    [
      ['check', 'x.yaml'],
      ['check', 'x.yaml'],
    ],
    [[], []],
  ];
  for (const [given, args] of rows)
    assert.deepEqual(translateLegacyArguments(given), { args }, given.join(' '));
});

test('a value that is missing, or begins with a dash, is told', () => {
  for (const given of [['-conf'], ['-conf', '-json'], ['-d'], ['-json', '-x']])
    assert.match(translateLegacyArguments(given).complaint ?? '', /needs a value/, given.join(' '));
});
