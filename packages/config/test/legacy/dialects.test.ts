import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { describeSettings, loadMountConfiguration, loadServerConfiguration } from '../../src/index.js';
import { errorOf } from '../reading-helpers.js';
import { loadMount, mountProblems, notesOf, SERVER_INI, write } from './legacy-helpers.js';

const INI = `
# both sides in one file
[GLOBAL]
PORT = 8020
DELIVERMODE = hash
[SVRNODE]
NAME = localhost
[SLVNODE]
NAME = [.]*
[K2HFTFUSE]
EXPIRE = 10
[K2HFTFUSE_RULE_DIR]
TARGET = log
TRUNS = yes
DEFAULTALL = ALLOW
DENY = debug
DENY = "tr.ce"
[K2HFTFUSE_RULE]
TARGET = log/a.log
TRUNS = yes
ALLOW = "(.*)ERR(.*)", "$1E$2"
ALLOW = INFO
OUTPUTFILE = /out/a.log
[K2HFTFUSESVR]
TYPE = file
FILE_BASEDIR = /data
FORMAT = "%H %L"
`;

const YAML = `
global: { port: 8020, DeliverMode: hash }
SVRNODE:
  - NAME: localhost
SLVNODE:
  - NAME: "[.]*"
K2HFTFUSE:
  EXPIRE: 10
  K2HFTFUSE_RULE_DIR:
    - TARGET: log
      TRUNS: yes
      DEFAULTALL: ALLOW
      DENY: [debug, "tr.ce"]
  K2HFTFUSE_RULE:
    - TARGET: log/a.log
      TRUNS: yes
      ALLOW:
        - ["(.*)ERR(.*)", $1E$2]
        - INFO
      OUTPUTFILE: /out/a.log
K2HFTFUSESVR:
  TYPE: file
  FILE_BASEDIR: /data
  FORMAT: "%H %L"
`;

/** With what only libyaml takes for JSON: a comment, single quotes, a comma behind the last item, words without quotes. */
const JSON_TEXT = `{ # a comment
  "GLOBAL": {"PORT": 8020, 'DELIVERMODE': hash},
  "SVRNODE": [{"NAME": "localhost"}],
  "SLVNODE": [{"NAME": "[.]*"},],
  "K2HFTFUSE": {
    "EXPIRE": "10",
    "K2HFTFUSE_RULE_DIR": [{"TARGET": "log", "TRUNS": "yes", "DEFAULTALL": "ALLOW", "DENY": ["debug", "tr.ce"]}],
    "K2HFTFUSE_RULE": [{"TARGET": "log/a.log", "TRUNS": "yes", "OUTPUTFILE": "/out/a.log",
      "ALLOW": [["(.*)ERR(.*)", "$1E$2"], "INFO"]}]
  },
  "K2HFTFUSESVR": {"TYPE": "file", "FILE_BASEDIR": "/data", "FORMAT": "%H %L"}
}`;

test('INI, YAML and JSON mean the same, for each command', (context) => {
  const mount = loadMount(context, INI).settings;
  const server = loadServerConfiguration({ file: write(context, 'a.ini', INI), env: {} }).settings;
  assert.equal(mount.rules.length, 2);
  assert.equal(server.output?.dir, '/data');
  for (const [name, text] of [
    ['a.yaml', YAML],
    ['a.yml', YAML],
    ['a.JSON', JSON_TEXT],
    ['a.conf', INI],
    ['k2hftfuse', INI],
  ] as const) {
    const file = write(context, name, text);
    assert.deepEqual(loadMountConfiguration({ file, env: {} }).settings, mount, name);
    assert.deepEqual(loadServerConfiguration({ file, env: {} }).settings, server, name);
  }
  assert.deepEqual(loadMountConfiguration({ json: JSON_TEXT, env: {} }).settings, mount);
  assert.deepEqual(loadServerConfiguration({ json: JSON_TEXT, env: {} }).settings, server);
});

test('the variables of K2HFTFUSE hold a file or a text, and come after ours', (context) => {
  const file = write(context, 'a.ini', INI);
  const expected = loadMountConfiguration({ file, env: {} }).settings;
  for (const env of [
    { K2HFTCONFFILE: file },
    { K2HFTCONFFILE: JSON_TEXT },
    { K2HFTJSONCONF: JSON_TEXT },
    { K2HFTJSONCONF: file },
    { K2HFTCONFFILE: '', K2HFTJSONCONF: file },
    { K2HFTCONFFILE: file, K2HFTJSONCONF: '{' },
    { K2HFT_CONFIG: file, K2HFTCONFFILE: '/not/here.ini' },
  ]) {
    assert.deepEqual(loadMountConfiguration({ env }).settings, expected, JSON.stringify(env));
  }
  assert.match(
    errorOf(() =>
      loadMountConfiguration({ env: { K2HFTCONFFILE: '/not/here.ini', K2HFTJSONCONF: JSON_TEXT } }),
    ).message,
    /there is no such file/,
  );
  const server = loadServerConfiguration({ file, env: {} }).settings;
  assert.deepEqual(loadServerConfiguration({ env: { K2HFTSVRCONFFILE: file } }).settings, server);
  assert.deepEqual(loadServerConfiguration({ env: { K2HFTSVRJSONCONF: JSON_TEXT } }).settings, server);
});

test('--json may also name a file', (context) => {
  const file = write(context, 'a.ini', INI);
  assert.deepEqual(
    loadMountConfiguration({ json: file, env: {} }).settings,
    loadMount(context, INI).settings,
  );
});

test('INCLUDE inserts a file, and places are those of that file', (context) => {
  const file = write(context, 'main.ini', `${SERVER_INI}INCLUDE = parts/rules.inc\nTRUNS = yes\n`);
  const part = join(dirname(file), 'parts', 'rules.inc');
  mkdirSync(dirname(part));
  writeFileSync(part, '[K2HFTFUSE_RULE]\nTARGET = a.log\nDEFAULTALL = ALLOW\n');
  const { settings } = loadMountConfiguration({ file, env: {} });
  assert.deepEqual([settings.rules[0]?.path, settings.rules[0]?.send], ['a.log', 'lines']);
  writeFileSync(part, '[K2HFTFUSE_RULE]\nTARGET = ..\n');
  assert.match(
    errorOf(() => loadMountConfiguration({ file, env: {} })).message,
    /rules\.inc:2:10: K2HFTFUSE_RULE\.TARGET/,
  );
  writeFileSync(part, 'INCLUDE = ../main.ini\n');
  assert.match(
    errorOf(() => loadMountConfiguration({ file, env: {} })).message,
    /rules\.inc:1:11: INCLUDE: .*includes itself/,
  );
  writeFileSync(part, 'INCLUDE = nothing.ini\n');
  assert.match(
    errorOf(() => loadMountConfiguration({ file, env: {} })).message,
    /expected a file to insert here, found "nothing.ini": there is no/,
  );
  const only = write(context, 'only.ini', `INCLUDE = ${write(context, 'b.ini', INI)}\n`);
  assert.equal(loadMountConfiguration({ file: only, env: {} }).settings.rules.length, 2);
});

test('what YAML must not be', (context) => {
  const table: [text: string, message: RegExp][] = [
    ['SVRNODE: {NAME: a}', /^1:1: SVRNODE: expected a list of mappings/],
    ['GLOBAL: [a]', /^1:1: GLOBAL: expected a mapping/],
    ['K2HFTFUSE:\n  EXPIRE: [1]', /^2:11: K2HFTFUSE.EXPIRE: expected a text/],
    ['K2HFTFUSE:\n  EXPIRE: &a 1\n  BYTELIMIT: *a', /^3:14: K2HFTFUSE.BYTELIMIT: aliases are not supported/],
    [
      'K2HFTFUSE:\n  K2HFTFUSE_RULE:\n    - ALLOW: [[a]]\n      TARGET: x',
      /^3:15: K2HFTFUSE_RULE.ALLOW: expected a pattern, or a list/,
    ],
    ['K2HFTFUSE: {', /YAML/],
  ];
  for (const [text, message] of table)
    assert.match(mountProblems(context, text, 'a.yaml')[0] ?? '', message, text);
  const warned = loadMount(context, `${YAML}\nOTHER: {a: 1}\nK2HFTFUSE_RULE: []\n`, undefined, 'a.yaml');
  assert.deepEqual(
    notesOf(warned, 'warn').map((note) => note.replace(/^\d+: /, '')),
    [
      '"OTHER" is ignored: no section of that name is known',
      '"K2HFTFUSE_RULE" is ignored: it belongs inside K2HFTFUSE',
    ],
  );
});

test("the receiver's file is not taken for a mount's", (context) => {
  const text = '[SVRNODE]\nNAME=a\nPORT=1\n[K2HFTFUSESVR]\nFILE_BASEDIR=/d\n';
  assert.match(
    mountProblems(context, text)[0] ?? '',
    /^4:1: K2HFTFUSESVR: this is the configuration of a receiver/,
  );
});

test('what is printed loads to the same settings, and begins with the notes', (context) => {
  const mount = loadMount(context, INI);
  const text = describeSettings(mount.settings, mount.notes);
  assert.match(text, /^# .*a\.ini:\d+:\d+: K2HFTFUSE.*\n/);
  assert.match(text, /\n# .*: K2HFTFUSE_RULE\.ALLOW: the text "INFO"/);
  assert.deepEqual(loadMountConfiguration({ file: write(context, 'b.yaml', text), env: {} }), {
    settings: mount.settings,
    notes: [],
  });
  const server = loadServerConfiguration({ file: write(context, 'a.ini', INI), env: {} });
  const printed = write(context, 'c.yaml', describeSettings(server.settings, server.notes));
  assert.deepEqual(loadServerConfiguration({ file: printed, env: {} }), {
    settings: server.settings,
    notes: [],
  });
});
