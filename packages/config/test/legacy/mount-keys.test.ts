import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMount, mountProblems, notesOf, partOf, SERVER_INI, write } from './legacy-helpers.js';

const RULE = '[K2HFTFUSE_RULE]\nTARGET = a.log\nTRUNS = yes\nDEFAULTALL = ALLOW\n';

test('keys of K2HFTFUSE: the queue, and gathering', (context) => {
  const table: [keys: string, queue: object, servers: object][] = [
    ['', { dir: '/var/lib/k2hft/queue', expireMs: 0 }, { lingerMs: 0, lingerRecords: 0 }],
    ['K2HTYPE = mem', { dir: '/var/lib/k2hft/queue' }, {}],
    ['K2HTYPE = Temporary', { dir: '/var/lib/k2hft/queue' }, {}],
    ['K2HTYPE = FILE\nK2HFILE = /q/x.k2h', { dir: '/q/x.k2h.k2hft' }, {}],
    ['K2HFILE = /q/x.k2h\nK2HTYPE = f\nK2HINIT = yes', { dir: '/q/x.k2h.k2hft' }, {}],
    ['K2HTYPE = temp\nK2HFILE = /q/x.k2h', { dir: '/q/x.k2h.k2hft' }, {}],
    ['K2HTYPE = file\nK2HFILE = /q/x.k2h\nK2HTYPE = mem', { dir: '/var/lib/k2hft/queue' }, {}],
    ['K2HTYPE = file', { dir: '/var/lib/k2hft/queue' }, {}],
    ['K2HINIT = no', { dir: '/var/lib/k2hft/queue' }, {}],
    ['EXPIRE = 60', { expireMs: 60_000 }, {}],
    ['EXPIRE = 0', { expireMs: 0 }, {}],
    ['expire = 1\nEXPIRE = 2', { expireMs: 2000 }, {}],
    ['TRANSTIMEUP = 3', {}, { lingerMs: 3000, lingerRecords: 0 }],
    ['TRANSTIMEUP = 3\nTRANSLINECNT = 10', {}, { lingerMs: 3000, lingerRecords: 10 }],
    ['TRANSLINECNT = 10', {}, { lingerMs: 0, lingerRecords: 0 }],
  ];
  for (const [keys, queue, servers] of table) {
    const { settings } = loadMount(context, `${SERVER_INI}${RULE}[K2HFTFUSE]\n${keys}\n`);
    assert.deepEqual(partOf(settings.queue, queue), queue, keys);
    assert.deepEqual(partOf(settings.servers, servers), servers, keys);
    assert.deepEqual([settings.mount.mode, settings.mount.df], ['virtual', 'endless']);
  }
});

test('keys of K2HFTFUSE: what becomes of records', (context) => {
  const table: [keys: string, rule: object][] = [
    ['', { send: 'lines', longRecords: 'split', maxRecordBytes: 1024 ** 2 }],
    ['BINTRANS = yes', { send: 'binary' }],
    ['BINTRANS = ON', { send: 'binary' }],
    ['BINTRANS = true', { send: 'binary' }],
    ['BINTRANS = 1', { send: 'binary' }],
    ['BINTRANS = no', { send: 'lines' }],
    ['BYTELIMIT = 0', { longRecords: 'split' }],
    ['BYTELIMIT = 100', { longRecords: 'drop', maxRecordBytes: 98 }],
    ['BYTELIMIT = 1', { longRecords: 'drop', maxRecordBytes: 1 }],
    ['BYTELIMIT = 100000000', { longRecords: 'split' }],
    ['BINTRANS = yes\nBYTELIMIT = 100', { send: 'binary', longRecords: 'split' }],
    ['DTORTHREADCNT = 8\nDTORCTP = /usr/lib/none.so', { send: 'lines' }],
  ];
  for (const [keys, rule] of table) {
    const { settings } = loadMount(context, `${SERVER_INI}${RULE}[K2HFTFUSE]\n${keys}\n`);
    assert.deepEqual(partOf(settings.rules[0] ?? {}, rule), rule, keys);
  }
});

test('values that K2HFTFUSE would take for something else, or nothing, are mistakes', (context) => {
  const table: [keys: string, message: string][] = [
    ['EXPIRE = soon', '9:10: K2HFTFUSE.EXPIRE: expected a whole number from 0 to 2147483647, found "soon"'],
    ['EXPIRE = 4x', '9:10: K2HFTFUSE.EXPIRE: expected a whole number from 0 to 2147483647, found "4x"'],
    ['EXPIRE = -1', '9:10: K2HFTFUSE.EXPIRE: expected a whole number from 0 to 2147483647, found "-1"'],
    ['BINTRANS = maybe', '9:12: K2HFTFUSE.BINTRANS: expected yes or no, found "maybe"'],
    [
      '  K2HMAXELE  =  many',
      '9:17: K2HFTFUSE.K2HMAXELE: expected a whole number from 0 to 2147483647, found "many"',
    ],
    ['DTORTHREADCNT = 65', '9:17: K2HFTFUSE.DTORTHREADCNT: expected a whole number from 1 to 64, found "65"'],
    [
      'K2HTYPE = disk',
      '9:11: K2HFTFUSE.K2HTYPE: expected one of m, mem, memory, t, temp, temporary, f, file, found "disk"',
    ],
    [
      'K2HFILE = /x',
      '9:11: K2HFTFUSE.K2HFILE: a queue of type MEM has no file: give K2HTYPE = FILE as well, or leave K2HFILE out',
    ],
    ['PATTERNS = x', '9:12: K2HFTFUSE.PATTERNS: expected one of documented, literal, found "x"'],
    ['[K2HFTFUSE]', '9:1: K2HFTFUSE: given twice; this section may be there once'],
  ];
  for (const [keys, message] of table) {
    assert.deepEqual(mountProblems(context, `${SERVER_INI}${RULE}[K2HFTFUSE]\n${keys}\n`), [message]);
  }
});

test('keys that tune what is not there are named once, unknown ones each', (context) => {
  const text = `${SERVER_INI}[GLOBAL]
MAXMQSERVER = 2
MQACK = no
MAXCHMPX = 9
K2HFULLMAP = on
[K2HFTFUSE]
K2HMASKBIT = 4
K2HPAGESIZE = 4096
BYTELIMITS = 3
NOTHING = 1
[OTHER]
KEY = 1
${RULE}`;
  assert.deepEqual(notesOf(loadMount(context, text), 'warn'), [
    '5: without effect, because there is no shared memory, no POSIX queue and no K2HASH table to tune: MAXMQSERVER, MAXCHMPX, K2HFULLMAP, MQACK, K2HMASKBIT, K2HPAGESIZE',
    '12: K2HFTFUSE.BYTELIMITS: unknown key, ignored; did you mean BYTELIMIT?',
    '13: K2HFTFUSE.NOTHING: unknown key, ignored',
    '14: [OTHER] is no section that K2HFTFUSE knows: what is in it is ignored',
  ]);
});

test('GLOBAL and SVRNODE say where to send', (context) => {
  const table: [sections: string, urls: string[], deliver: string][] = [
    ['[SVRNODE]\nNAME=a\nPORT=1', ['ws://a:1'], 'failover'],
    ['[GLOBAL]\nDELIVERMODE=hash\n[SVRNODE]\nNAME=a\nPORT=1', ['ws://a:1'], 'failover'],
    ['[SVRNODE]\nNAME=a\n[SVRNODE]\nNAME=b\nPORT=2\n[GLOBAL]\nPORT=1', ['ws://a:1', 'ws://b:2'], 'hash'],
    ['[GLOBAL]\nPORT=1\nDELIVERMODE=Random\n[SVRNODE]\nNAME=a[1-2]', ['ws://a1:1', 'ws://a2:1'], 'random'],
    [
      '[GLOBAL]\nDELIVERMODE=random\n[GLOBAL]\nDELIVERMODE=hash\nPORT=7\n[SVRNODE]\nNAME=a,b',
      ['ws://a:7', 'ws://b:7'],
      'hash',
    ],
    ['[SVRNODE]\nNAME=a\nPORT=1\n[SVRNODE]\nNAME=a\nPORT=1', ['ws://a:1'], 'failover'],
    ['[SVRNODE]\nNAME=::1\nPORT=40000', ['ws://[::1]:40000'], 'failover'],
    ['[SVRNODE]\nNAME=a\nPORT=1\nSSL=yes', ['wss://a:1'], 'failover'],
    [
      '[GLOBAL]\nSSL=on\nPORT=1\n[SVRNODE]\nNAME=a\n[SVRNODE]\nNAME=b\nSSL=no',
      ['wss://a:1', 'ws://b:1'],
      'hash',
    ],
    [
      '[SVRNODE]\nNAME=a,b\nPORT=1\n[K2HTPDTOR]\nK2HTPDTOR_BROADCAST=yes',
      ['ws://a:1', 'ws://b:1'],
      'broadcast',
    ],
    ['[SVRNODE]\nname=a\nport=1\n[K2HTPDTOR]\nk2htpdtor_broadcast=no', ['ws://a:1'], 'failover'],
    [
      '[SVRNODE]\nNAME=a\nPORT=1\nCTLPORT=2\nCUK=x\nCUSTOM_ID_SEED=y\nENDPOINTS=a:1\nCTLENDPOINTS=a:2\nFORWARD_PEERS=b\nREVERSE_PEERS=c\n[SLVNODE]\nNAME=[.]*\nCTLPORT=3',
      ['ws://a:1'],
      'failover',
    ],
  ];
  for (const [sections, urls, deliver] of table) {
    const { settings } = loadMount(context, `${sections}\n${RULE}`);
    assert.deepEqual([settings.servers.urls, settings.servers.deliver], [urls, deliver], sections);
  }
});

test('certificates of the cluster', (context) => {
  const file = write(context, 'ca.pem', '');
  const node = `[SVRNODE]\nNAME=a\nPORT=1\nSSL=yes\nCAPATH=${file}\nSLAVE_CERT=${file}\nSLAVE_PRIKEY=${file}\nSERVER_CERT=/not/here\n`;
  const tlsOf = (text: string) => loadMount(context, text + RULE).settings.servers.tls;
  assert.deepEqual(tlsOf(node), { ca: file, cert: undefined, key: undefined });
  assert.deepEqual(tlsOf(`${node}SSL_VERIFY_PEER=yes\n`), { ca: file, cert: file, key: file });
  assert.deepEqual(tlsOf(`${node}CAPATH=NULL\nSSL_VERIFY_PEER=no\n`), {
    ca: undefined,
    cert: undefined,
    key: undefined,
  });
  assert.match(
    notesOf(loadMount(context, `${node}CAPATH=/\n${RULE}`), 'warn').join(),
    /a directory, and ignored/,
  );
});

test('mistakes in GLOBAL, SVRNODE and SLVNODE', (context) => {
  const table: [sections: string, message: string][] = [
    ['[SVRNODE]\nPORT=1', '1:1: SVRNODE.NAME: missing; expected a host name such as agg[1-3].example.com'],
    ['[SVRNODE]\nNAME=a', '1:1: SVRNODE.PORT: missing; give PORT here or in GLOBAL'],
    [
      '[SVRNODE]\nNAME=a[\nPORT=1',
      '2:6: SVRNODE.NAME: expected host names such as agg[1-3].example.com: a [ without its ]',
    ],
    [
      '[SVRNODE]\nNAME=a\nPORT=70000',
      '3:6: SVRNODE.PORT: expected a whole number from 1 to 65535, found "70000"',
    ],
    [
      '[SVRNODE]\nNAME=a\nPORT=1\n[GLOBAL]\nDELIVERMODE=all',
      '5:13: GLOBAL.DELIVERMODE: expected one of random, hash, found "all"',
    ],
    [
      '[SVRNODE]\nNAME=a\nPORT=1\n[GLOBAL]\nMODE=x',
      '5:6: GLOBAL.MODE: expected one of server, slave, found "x"',
    ],
    [
      '[SVRNODE]\nNAME=a\nPORT=1\n[GLOBAL]\nMAXMQSERVER=x',
      '5:13: GLOBAL.MAXMQSERVER: expected a whole number from 0 to 2147483647, found "x"',
    ],
    [
      '[SVRNODE]\nNAME=a\nPORT=1\n[GLOBAL]\nREPLICA=-1',
      '5:9: GLOBAL.REPLICA: expected a whole number from 0 to 2147483647, found "-1"',
    ],
    [
      '[GLOBAL]\nPORT=x\n[SVRNODE]\nNAME=a\n[SVRNODE]\nNAME=b',
      '2:6: GLOBAL.PORT: expected a whole number from 1 to 65535, found "x"',
    ],
    ['[SVRNODE]\nNAME=a\nPORT=1\n[SLVNODE]', '4:1: SLVNODE.NAME: missing; expected a host name'],
  ];
  for (const [sections, message] of table)
    assert.deepEqual(mountProblems(context, `${sections}\n${RULE}`), [message]);
  assert.deepEqual(mountProblems(context, `[K2HFTFUSE]\n${RULE}`), [
    '1:1: SVRNODE: missing; there is something to send and nowhere to send it',
  ]);
});

test('K2HTPDTOR: what is not sent, and another file for the cluster', (context) => {
  const other = write(context, 'other.yaml', 'GLOBAL: {PORT: 9}\nSVRNODE: [{NAME: far}]\n');
  const { settings } = loadMount(
    context,
    `${SERVER_INI}[K2HTPDTOR]\nK2HTPDTOR_CHMPXCONF = ${other}\n${RULE}`,
  );
  assert.deepEqual(settings.servers.urls, ['ws://far:9']);
  const rules = '[K2HFTFUSE_RULE_DIR]\nTARGET=log\nTRUNS=yes\nDEFAULTALL=ALLOW\n';
  const table: [keys: string, expected: [path: string, send: string][]][] = [
    [
      'K2HTPDTOR_EXCEPT_KEY=log/deb',
      [
        ['log/deb{*,*/**}', 'no'],
        ['log/**', 'lines'],
      ],
    ],
    ['K2HTPDTOR_EXCEPT_KEY=a.l', [['log/**', 'lines']]],
    ['K2HTPDTOR_EXCEPT_KEY=lo', [['log/**', 'no']]],
    [
      'K2HTPDTOR_EXCEPT_KEY=log/\\x61\nK2HTPDTOR_EXCEPT_KEY=log/*',
      [
        ['log/a{*,*/**}', 'no'],
        ['log/\\*{*,*/**}', 'no'],
        ['log/**', 'lines'],
      ],
    ],
    ['K2HTPDTOR_FILTER_TYPE=DELKEY,RENAME', [['log/**', 'lines']]],
    ['K2HTPDTOR_FILTER_TYPE=SETALL', [['log/**', 'no']]],
    ['K2HTPDTOR_FILE=/x', [['log/**', 'lines']]],
  ];
  for (const [keys, expected] of table) {
    const loaded = loadMount(context, `${SERVER_INI}[K2HTPDTOR]\n${keys}\n${rules}`);
    assert.deepEqual(
      loaded.settings.rules.map(({ path, send }) => [path, send]),
      expected,
      keys,
    );
  }
  const missing = mountProblems(
    context,
    `${SERVER_INI}[K2HTPDTOR]\nK2HTPDTOR_CHMPXCONF = /not/here.ini\n${RULE}`,
  );
  assert.match(missing[0] ?? '', /^5:23: K2HTPDTOR.K2HTPDTOR_CHMPXCONF: .*there is no \/not\/here\.ini$/);
});

test('each mount point has a queue of its own', (context) => {
  const { settings } = loadMount(context, SERVER_INI + RULE, '/mnt/my log/a-b');
  assert.equal(settings.queue.dir, '/var/lib/k2hft/queue-mnt-my%20log-a%2db');
  assert.equal(settings.mount.point, '/mnt/my log/a-b');
  const remark = /a mount on \/POINT has \/var\/lib\/k2hft\/queue-POINT: check --point \/POINT prints that$/m;
  assert.match(notesOf(loadMount(context, SERVER_INI + RULE)).join('\n'), remark);
  assert.doesNotMatch(notesOf(loadMount(context, SERVER_INI + RULE, '/mnt/a')).join('\n'), /POINT/);
});
