import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { isThisHost } from '../../src/legacy/this-host.js';
import { loadServer, notesOf, partOf, serverProblems, write } from './legacy-helpers.js';

const NODE = '[SVRNODE]\nNAME = localhost\nPORT = 8020\n';
const FILE = '[K2HFTFUSESVR]\nFILE_BASEDIR = /data\n';

test('k2hft-svr listens where the cluster says that this host does', (context) => {
  const table: [sections: string, listen: string][] = [
    [NODE, 'ws://0.0.0.0:8020'],
    [`[SVRNODE]\nNAME=${hostname()}\nPORT=1\n[SVRNODE]\nNAME=other\nPORT=2\n`, 'ws://0.0.0.0:1'],
    ['[SVRNODE]\nNAME=other\nPORT=2\n[SVRNODE]\nNAME=127.0.0.1\nPORT=1\n', 'ws://0.0.0.0:1'],
    ['[SVRNODE]\nNAME=elsewhere\nPORT=40000\n', 'ws://0.0.0.0:40000'],
    ['[GLOBAL]\nPORT=7\n[SVRNODE]\nNAME=x[1-3]\n', 'ws://0.0.0.0:7'],
    [
      '[GLOBAL]\nSELFCTLPORT=22\n[SVRNODE]\nNAME=localhost\nPORT=1\nCTLPORT=21\n[SVRNODE]\nNAME=localhost\nPORT=2\nCTLPORT=22\n',
      'ws://0.0.0.0:2',
    ],
  ];
  for (const [sections, listen] of table) {
    const { settings } = loadServer(context, sections + FILE);
    assert.equal(settings.listen, listen, sections);
    assert.equal(settings.stateDir, `/var/lib/k2hft-svr/${new URL(listen).port}`);
  }
});

test('a certificate of the server, and of those who come', (context) => {
  const file = write(context, 'a.pem', '');
  const node = `[SVRNODE]\nNAME=localhost\nPORT=1\nSSL=yes\nSERVER_CERT=${file}\nSERVER_PRIKEY=${file}\nCAPATH=${file}\n`;
  const { settings } = loadServer(context, node + FILE);
  assert.equal(settings.listen, 'wss://0.0.0.0:1');
  assert.deepEqual(settings.tls, { cert: file, key: file, clientCa: undefined });
  assert.equal(loadServer(context, `${node}SSL_VERIFY_PEER=on\n${FILE}`).settings.tls?.clientCa, file);
});

test('which names are this host', () => {
  const names = new Set(['agg1.example.com', 'localhost', '10.0.0.1']);
  const table: [node: string, is: boolean][] = [
    ['agg1.example.com', true],
    ['AGG1.example.com', true],
    ['agg1', true],
    ['agg1.example.org', false],
    ['agg2', false],
    ['localhost', true],
    ['10.0.0.1', true],
    ['10', false],
  ];
  for (const [node, is] of table) assert.equal(isThisHost(node, names), is, node);
});

test('keys of K2HFTFUSESVR for files', (context) => {
  const table: [keys: string, output: object][] = [
    ['', { dir: '/data', path: '{path}', format: '%L', plugin: undefined }],
    ['TYPE = f', { dir: '/data' }],
    ['FILE_UNIFY = log/unify.log', { path: 'log/unify.log' }],
    ['FILE_UNIFY = /log//unify.log', { path: 'log/unify.log' }],
    [
      'FORMAT = "%H:%F(%P):%f[%T] %L"\nFILE_TIMEFORM = "%F %T(%s %-)"',
      { format: '%H:%F(%P):%f[%T] %L', timeFormat: '%F %T(%s %-)' },
    ],
    ['FORMAT = "%H %T %L"', { format: '%H  %L' }],
    ['FILE_TIMEFORM = "%-d"', { timeFormat: '%Nd' }],
    ['FILE_TIMEFORM = "%-2d %-_H %--"', { timeFormat: '%N2d %N_H %N-' }],
    ['FILE_TIMEFORM = "%%-d"', { timeFormat: '%%-d' }],
    [
      'PLUGIN = A=1 cat -u',
      { plugin: ['/usr/bin/env', '-i', 'A=1', '/usr/bin/cat', '-u'], pluginStdout: 'file' },
    ],
    ['BINTRANS = yes', { format: '%L' }],
  ];
  for (const [keys, output] of table) {
    const { settings } = loadServer(context, `${NODE}${FILE}${keys}\n`);
    assert.deepEqual(partOf(settings.output ?? {}, output), output, keys);
    assert.equal(settings.relay, undefined);
  }
});

test('every item of FORMAT', (context) => {
  const table: [format: string, expected: string][] = [
    ['"%H%h"', '%H%H'],
    ['"%P%p"', '%P%P'],
    ['"%F%f"', '%F%f'],
    ['"%T%t"', '%T%T'],
    ['"%L"', '%L'],
    ['"%l\\n"', '%{trimmed}\\n'],
    ['%l\\n', '%{trimmed}n'],
    ['"%% %q %é"', '%% q é'],
    ['"a%"', 'a'],
    ['"\\a\\b\\f\\n\\r\\t"', '\\x07\\x08\\x0c\\n\\x0d\\t'],
    ['"x\\\\\\\\y"', 'x\\\\y'],
    [`'\\" \\?'`, '" ?'],
    ["'x\\\\'", 'x\\\\'],
    ['"\\x41\\xe9\\xA\\xz%L"', 'A\\xe9\\n%L'],
    ['"\\x25"', '%%'],
    ['"\\1\\8"', '\\x01\\x08'],
    ['"a\\0b"', 'a'],
    ['"a\\x00b"', 'a'],
    ["'a\\'", 'a'],
    ['"a\\qb\\9"', 'ab'],
    ['\'"%H" x\'', '%H'],
    ['"{%H}"', '{%H}'],
  ];
  for (const [format, expected] of table) {
    const { settings } = loadServer(context, `${NODE}${FILE}FILE_TIMEFORM = %T\nFORMAT = ${format}\n`);
    assert.equal(settings.output?.format, expected, format);
  }
});

test('TYPE decides about files and the relay', (context) => {
  const other = write(context, 'up.ini', '[SVRNODE]\nNAME=up[1-2]\nPORT=9\n[GLOBAL]\nDELIVERMODE=random\n');
  const trans = `${NODE}[K2HFTFUSESVR]\nTYPE=TRANS\nTRANSCONF=${other}\nK2HTYPE=file\nK2HFILE=/q/r.k2h\nFORMAT=%L\n`;
  const loaded = loadServer(context, trans);
  assert.equal(loaded.settings.output, undefined);
  assert.equal(loaded.settings.relay?.queue.dir, '/q/r.k2h.k2hft');
  assert.deepEqual(partOf(loaded.settings.relay.servers, { urls: 0, deliver: 0 }), {
    urls: ['ws://up1:9', 'ws://up2:9'],
    deliver: 'random',
  });
  assert.match(notesOf(loaded, 'warn').join(), /FORMAT: ignored: TYPE is TRANS/);
  for (const json of [
    '{"SVRNODE":[{"NAME":"up","PORT":"9"}],"K2HTPDTOR":{"K2HTPDTOR_BROADCAST":"yes"}}',
    '\'{"SVRNODE":[{"NAME":"up","PORT":"9"}],"K2HTPDTOR":{"K2HTPDTOR_BROADCAST":"yes"}}\'',
  ]) {
    const both = loadServer(context, `${NODE}${FILE}TYPE=both\nSTATEDIR=/st\nTRANSCONF=${json}\n`).settings;
    assert.equal(both.output?.dir, '/data');
    assert.deepEqual([both.stateDir, both.relay?.queue.dir], ['/st', '/st-relay']);
    assert.deepEqual([both.relay?.servers.urls, both.relay?.servers.deliver], [['ws://up:9'], 'broadcast']);
  }
  const file = loadServer(context, `${NODE}${FILE}TYPE=file\nTRANSCONF=/x\nK2HTYPE=temp\n`);
  assert.deepEqual(
    notesOf(file, 'warn').map((note) => note.replace(/^.*SVR\./, '')),
    [
      'TRANSCONF: ignored: TYPE is FILE, which sends nothing on',
      'K2HTYPE: ignored: TYPE is FILE, which sends nothing on',
    ],
  );
});

test('mistakes in K2HFTFUSESVR', (context) => {
  const table: [keys: string, message: string][] = [
    ['TYPE=x', '5:6: K2HFTFUSESVR.TYPE: expected one of f, file, t, trans, transfer, b, both, found "x"'],
    ['TYPE=file', '4:1: K2HFTFUSESVR.FILE_BASEDIR: missing; expected the directory for the files'],
    ['FILE_BASEDIR=data', '5:14: K2HFTFUSESVR.FILE_BASEDIR: expected an absolute path'],
    [
      'FILE_BASEDIR=/d\nFILE_UNIFY=../x',
      '6:12: K2HFTFUSESVR.FILE_UNIFY: expected a path below FILE_BASEDIR, without braces',
    ],
    [
      'FILE_BASEDIR=/d\nFORMAT=%T',
      '6:8: K2HFTFUSESVR.FORMAT: nothing of it is left, so that nothing would be written',
    ],
    [
      'TYPE=trans',
      '4:1: K2HFTFUSESVR.TRANSCONF: missing; expected the configuration of the servers to send to, as a file or as its text in JSON',
    ],
    ['TYPE=trans\nTRANSCONF={"SVRNODE": []}', '6:11: K2HFTFUSESVR.TRANSCONF: names no SVRNODE to send to'],
  ];
  for (const [keys, message] of table) {
    const problems = serverProblems(context, `${NODE}[K2HFTFUSESVR]\n${keys}\n`);
    assert.ok(problems.includes(message), `${keys}: ${problems.join('; ')}`);
  }
  const unclear = '[SVRNODE]\nNAME=x1\nPORT=1\n[SVRNODE]\nNAME=x2\nPORT=2\n';
  assert.match(
    serverProblems(context, unclear + FILE).join(),
    /^2:6: SVRNODE.NAME: which of the servers is this host\?/,
  );
  assert.deepEqual(serverProblems(context, `[K2HFTFUSESVR]\nFILE_BASEDIR=/d\n`), [
    ' SVRNODE: missing; its PORT is where k2hft-svr listens',
  ]);
});
