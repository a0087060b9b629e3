import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { hostName, listenUrl, serverUrl } from '../src/network-types.js';
import { existingFile, fileOrDirectory, path, program } from '../src/path-types.js';
import { glob, outputPath, recordFormat, regularExpression } from '../src/pattern-types.js';
import type { ValueType } from '../src/reading.js';
import * as types from '../src/scalar-types.js';
import { readValue } from './reading-helpers.js';

/** For a type: what texts are read as, what reading and writing gives again, and what is refused, how. */
interface Case {
  readonly type: ValueType<unknown>;
  readonly good: Readonly<Record<string, unknown>>;
  readonly bad: Readonly<Record<string, string>>;
}

const CASES: Readonly<Record<string, Case>> = {
  boolean: {
    type: types.boolean,
    good: { yes: true, no: false, on: true, off: false, true: true, false: false, Yes: true, OFF: false },
    bad: { '1': 'expected yes or no, found "1"', y: 'expected yes or no, found "y"' },
  },
  text: { type: types.text('a text'), good: { a: 'a', ' ': ' ' }, bad: { '': 'expected a text, found ""' } },
  anyText: { type: types.anyText, good: { '': '', $1: '$1' }, bad: {} },
  oneOf: {
    type: types.oneOf('block', 'drop_oldest'),
    good: { block: 'block' },
    bad: { Block: 'expected one of block, drop_oldest, found "Block"' },
  },
  integer: {
    type: types.integer(1, 10),
    good: { '1': 1, '10': 10, '007': 7 },
    bad: {
      '0': 'expected a whole number from 1 to 10, found "0"',
      '11': 'expected a whole number from 1 to 10, found "11"',
      '1.0': 'expected a whole number from 1 to 10, found "1.0"',
      '-1': 'expected a whole number from 1 to 10, found "-1"',
    },
  },
  size: {
    type: types.size(1, 1024),
    good: { '1': 1, '1KiB': 1024 },
    bad: {
      '0': 'expected a size such as 10MiB (B KB MB GB KiB MiB GiB) from 1B to 1KiB, found "0"',
      big: 'expected a size such as 10MiB (B KB MB GB KiB MiB GiB) from 1B to 1KiB, found "big"',
    },
  },
  'size from 1': {
    type: types.size(1),
    good: { '9007199254740991': Number.MAX_SAFE_INTEGER },
    bad: { '0': 'expected a size such as 10MiB (B KB MB GB KiB MiB GiB) of at least 1B, found "0"' },
  },
  duration: {
    type: types.duration(),
    good: { '0': 0, '36500d': 3_153_600_000_000 },
    bad: { soon: 'expected a duration such as 5s (ms s m h d), found "soon"' },
  },
  timer: {
    type: types.duration(0, types.TIMER_MS_MAX),
    good: { '24d': 2_073_600_000 },
    bad: { '25d': 'expected a duration such as 5s (ms s m h d) from 0s to 24d, found "25d"' },
  },
  rate: {
    type: types.rate,
    good: { '10MiB/s': 10_485_760, '1/s': 1 },
    bad: {
      '10MiB': 'expected a rate such as 10MiB/s, found "10MiB"',
      '10MiB/m': 'expected a rate such as 10MiB/s, found "10MiB/m"',
      '0B/s': 'expected a rate such as 10MiB/s, found "0B/s"',
    },
  },
  rateOrNone: {
    type: types.rateOrNone(1024),
    good: { '0': 0, '0MiB/s': 0, '1KiB/s': 1024 },
    bad: {
      '1000/s': 'expected 0 (no limit), or a rate of at least 1KiB/s, found "1000/s"',
      '10MiB': 'expected 0 (no limit), or a rate of at least 1KiB/s, found "10MiB"',
    },
  },
  fileMode: {
    type: types.fileMode,
    good: { '0640': 0o640, '600': 0o600, '0o666': 0o666 },
    bad: {
      '0440': 'expected octal permissions of a file such as 0640, with 6 for its owner, found "0440"',
      '0750': 'expected octal permissions of a file such as 0640, with 6 for its owner, found "0750"',
      '04640': 'expected octal permissions of a file such as 0640, with 6 for its owner, found "04640"',
    },
  },
  sizeOrPercent: {
    type: types.sizeOrPercent,
    good: {
      '5%': { percent: 5 },
      '0.25 %': { percent: 0.25 },
      '100%': { percent: 100 },
      '1GiB': { bytes: 1_073_741_824 },
    },
    bad: {
      '101%': 'expected a size such as 1GiB, or a percentage such as 5%, found "101%"',
      '-1%': 'expected a size such as 1GiB, or a percentage such as 5%, found "-1%"',
      '%': 'expected a size such as 1GiB, or a percentage such as 5%, found "%"',
    },
  },
  umask: {
    type: types.umask,
    good: { '022': 0o22, '22': 0o22, '0o077': 0o77, '0': 0, '0777': 0o777 },
    bad: {
      '8': 'expected an octal umask such as 022, found "8"',
      '1000': 'expected an octal umask such as 022, found "1000"',
      'u=rwx': 'expected an octal umask such as 022, found "u=rwx"',
    },
  },
  listenAddress: {
    type: types.listenAddress,
    good: {
      '9105': { host: '127.0.0.1', port: 9105 },
      '0.0.0.0:0': { host: '0.0.0.0', port: 0 },
      'name:1': { host: 'name', port: 1 },
      '[::1]:9105': { host: '::1', port: 9105 },
    },
    bad: {
      '65536': 'expected HOST:PORT such as 127.0.0.1:9105, or a port, found "65536"',
      '::1:9105': 'expected HOST:PORT such as 127.0.0.1:9105, or a port, found "::1:9105"',
      host: 'expected HOST:PORT such as 127.0.0.1:9105, or a port, found "host"',
      'http://a:1': 'expected HOST:PORT such as 127.0.0.1:9105, or a port, found "http://a:1"',
    },
  },
  fsyncPolicy: {
    type: types.fsyncPolicy,
    good: { '50ms': { gatherMs: 50 }, '0': { gatherMs: 0 }, always: 'always', no: 'no' },
    bad: { never: 'expected a duration such as 50ms, or always, or no, found "never"' },
  },
  serverUrl: {
    type: serverUrl,
    good: { 'ws://a:8020': 'ws://a:8020', 'wss://[::1]/x?y': 'wss://[::1]/x?y' },
    bad: {
      'http://a': 'expected a URL such as ws://host:8020 or wss://host:8020, found "http://a"',
      'a:8020': 'expected a URL such as ws://host:8020 or wss://host:8020, found "a:8020"',
      'ws://': 'expected a URL such as ws://host:8020 or wss://host:8020, found "ws://"',
      'ws://a:8020, ws://b':
        'expected a URL such as ws://host:8020 or wss://host:8020, found "ws://a:8020, ws://b"',
      'ws://a:99999': 'expected a URL such as ws://host:8020 or wss://host:8020, found "ws://a:99999"',
      'ws://a:0':
        'expected a URL such as ws://host:8020 or wss://host:8020, found "ws://a:0": nothing can be reached on port 0',
      'ws://u:p@a':
        'expected a URL such as ws://host:8020 or wss://host:8020, found "ws://u:p@a": a secret belongs into the token file',
      'ws://a#b':
        'expected a URL such as ws://host:8020 or wss://host:8020, found "ws://a#b": a part after # has no meaning here',
    },
  },
  listenUrl: { type: listenUrl, good: { 'ws://127.0.0.1:0': 'ws://127.0.0.1:0' }, bad: {} },
  hostName: {
    type: hostName,
    good: { web1: 'web1', 'a.b-c_d': 'a.b-c_d', müller: 'müller' },
    bad: {
      'a b': 'expected a host name, found "a b": a blank, a slash or a control character',
      '../x': 'expected a host name, found "../x": a blank, a slash or a control character',
      '..': 'expected a host name, found "..": only dots',
      ['x'.repeat(254)]: `expected a host name, found "${'x'.repeat(254)}": longer than 253 bytes`,
    },
  },
  regularExpression: {
    type: regularExpression,
    good: { 'a{1,3}$': 'a{1,3}$', '\\p{Lu}': '\\p{Lu}', '(?<x>a)': '(?<x>a)' },
    bad: {
      '(': 'expected a regular expression (JavaScript, u flag), found "(": Invalid regular expression: /(/u: Unterminated group',
      'a{1':
        'expected a regular expression (JavaScript, u flag), found "a{1": Invalid regular expression: /a{1/u: Incomplete quantifier',
      '\\-':
        'expected a regular expression (JavaScript, u flag), found "\\\\-": Invalid regular expression: /\\-/u: Invalid escape',
    },
  },
  glob: {
    type: glob,
    good: {
      '**': '**',
      'a/*.log': 'a/*.log',
      '{a,b{c,d}}.[!x]?': '{a,b{c,d}}.[!x]?',
      '[]]': '[]]',
      '\\[': '\\[',
    },
    bad: Object.fromEntries(
      [
        ['/a', 'it begins with a slash, but paths are relative to the mount point'],
        ['a/', 'it ends with a slash, but only files are matched; append **'],
        ['a//b', 'two slashes in a row'],
        ['a/../b', 'no path contains . or ..'],
        ['[a', 'a [ without its ]'],
        ['[a/]', 'a [ without its ]'],
        ['{a', 'a { without its }'],
        ['a}', 'a } without its {'],
        ['a\\', 'nothing follows the last backslash'],
      ].map(([pattern = '', reason = '']) => [
        pattern,
        `expected a glob relative to the mount point, such as "*.log" or "**", found ${JSON.stringify(pattern)}: ${reason}`,
      ]),
    ),
  },
  recordFormat: {
    type: recordFormat,
    good: {
      '%L': '%L',
      '%H %P %U %G %F %f %T %l %% \\n \\t \\\\': '%H %P %U %G %F %f %T %l %% \\n \\t \\\\',
      '%{trimmed}\\r\\a\\b\\f\\v\\x00\\xFf': '%{trimmed}\\r\\a\\b\\f\\v\\x00\\xFf',
    },
    bad: {
      '%x': 'expected a format such as "%T %H %L", found "%x": "%x" is unknown; known are %H %P %U %G %F %f %T %L %l %{trimmed} %% \\n \\t \\r \\a \\b \\f \\v \\\\ \\xHH',
      '50%':
        'expected a format such as "%T %H %L", found "50%": "%" is unknown; known are %H %P %U %G %F %f %T %L %l %{trimmed} %% \\n \\t \\r \\a \\b \\f \\v \\\\ \\xHH',
    },
  },
  outputPath: {
    type: outputPath,
    good: {
      '{path}': '{path}',
      '{host}/{date:%Y-%m-%d}/{dir}/{file}.log': '{host}/{date:%Y-%m-%d}/{dir}/{file}.log',
    },
    bad: Object.fromEntries(
      [
        ['{hots}', 'known are {host} {path} {dir} {file} and {date:...}, such as {date:%Y-%m-%d}'],
        ['{', 'known are {host} {path} {dir} {file} and {date:...}, such as {date:%Y-%m-%d}'],
        ['/a', 'it begins with a slash'],
        ['a/', 'it ends with a slash, but names a file'],
        ['a//b', 'two slashes in a row'],
        ['../{path}', 'no part of it may be . or ..'],
      ].map(([template = '', reason = '']) => [
        template,
        `expected a path below output.dir such as "{host}/{path}", found ${JSON.stringify(template)}: ${reason}`,
      ]),
    ),
  },
  path: {
    type: path,
    good: { '/a/b': '/a/b', 'a/b': '/base/a/b', '../a': '/a', './a/': '/base/a' },
    bad: { '': 'expected a path, found ""', 'a\0': 'expected a path, found "a\\u0000": a NUL character' },
  },
  fileOrDirectory: {
    type: fileOrDirectory,
    good: { '/a': '/a', '/a/': '/a/', 'b/': '/base/b/', '/': '/' },
    bad: { '': 'expected a path; one that ends in a slash is a directory, found ""' },
  },
  program: {
    type: program,
    good: { sh: 'sh', '/bin/sh': '/bin/sh' },
    bad: {
      '/no/such': 'expected a program, found "/no/such": there is no /no/such',
      '': 'expected a program, found ""',
    },
  },
};

for (const [name, { type, good, bad }] of Object.entries(CASES)) {
  test(`${name}: what is read, and what is refused`, () => {
    for (const [text, value] of Object.entries(good)) {
      assert.deepEqual(readValue(type, text), { value, messages: [] }, text);
      assert.deepEqual(
        readValue(type, type.write(value)),
        { value, messages: [] },
        `${text}, written and read`,
      );
    }
    for (const [text, message] of Object.entries(bad)) {
      assert.deepEqual(readValue(type, text).messages, [message], text);
    }
    assert.match(readValue(type, ['a']).messages[0] ?? '', /^expected .*, found a list$/);
    assert.match(readValue(type, {}).messages[0] ?? '', /^expected .*, found a section$/);
  });
}

test('variables are filled in before a text is read', () => {
  assert.deepEqual(readValue(types.size(), '${N}KiB', { N: '2' }), { value: 2048, messages: [] });
  assert.deepEqual(readValue(types.anyText, '$${N}'), { value: '${N}', messages: [] });
  assert.deepEqual(readValue(types.size(), '${N}').messages, [
    'the environment variable N is not set; set it, or write ${N:-default}',
  ]);
});

test('a file that is named must be there', (context) => {
  const folder = temporaryFolder(context);
  const file = join(folder, 'ca.pem');
  writeFileSync(file, '');
  mkdirSync(join(folder, 'dir'));
  assert.deepEqual(readValue(existingFile, file), { value: file, messages: [] });
  const cases: [string, string][] = [
    ['dir', `${folder}/dir is a directory`],
    ['no.pem', `there is no ${folder}/no.pem`],
    ['ca.pem/x', `there is no ${folder}/ca.pem/x`],
  ];
  for (const [name, reason] of cases) {
    const message = `expected a file that exists, found ${JSON.stringify(join(folder, name))}: ${reason}`;
    assert.deepEqual(readValue(existingFile, join(folder, name)).messages, [message]);
  }
});
