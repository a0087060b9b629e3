import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMount, mountProblems, notesOf, partOf, ruleFrom, SERVER_INI } from './legacy-helpers.js';

const file = (keys: string) => `[K2HFTFUSE_RULE]\nTARGET = log/a.log\n${keys}\n`;
const directory = (keys: string) => `[K2HFTFUSE_RULE_DIR]\nTARGET = log\n${keys}\n`;

test('TARGET becomes a glob for that path alone, or for everything below it', (context) => {
  const table: [kind: string, target: string, path: string][] = [
    ['RULE', 'a.log', 'a.log'],
    ['RULE', '/log//a.log/', 'log/a.log'],
    ['RULE', './log/./a.log', 'log/a.log'],
    ['RULE', 'a*[1]{x,y}?.log', 'a\\*\\[1\\]\\{x\\,y\\}\\?.log'],
    ['RULE', '!a', '\\!a'],
    ['RULE_DIR', 'log', 'log/**'],
    ['RULE_DIR', '/log/sub/', 'log/sub/**'],
    ['RULE_DIR', '/', '**'],
    ['RULE_DIR', '', '**'],
    ['RULE_DIR', 'a(b)', 'a\\(b\\)/**'],
  ];
  for (const [kind, target, path] of table) {
    const rule = ruleFrom(
      context,
      `[K2HFTFUSE_${kind}]\nTARGET = '${target}'\nTRUNS = yes\nDEFAULTALL = ALLOW\n`,
    );
    assert.equal(rule.path, path, target);
  }
});

test('files come before directories, deeper directories before those around them, the later of two wins', (context) => {
  const rules = [
    ['RULE_DIR', '/'],
    ['RULE_DIR', 'log'],
    ['RULE', 'log/sub/a.log'],
    ['RULE_DIR', 'log/sub'],
    ['RULE', 'b.log'],
    ['RULE_DIR', '/log/'],
  ].map(([kind, target]) => `[K2HFTFUSE_${kind}]\nTARGET=${target}\nDEFAULTALL=ALLOW\nTRUNS=yes\n`);
  const loaded = loadMount(context, SERVER_INI + rules.join(''));
  assert.deepEqual(
    loaded.settings.rules.map(({ path }) => path),
    ['log/sub/a.log', 'b.log', 'log/sub/**', 'log/**', '**'],
  );
  assert.deepEqual(loaded.settings.mount.present, ['log/sub/a.log', 'b.log', 'log/sub/', 'log/']);
  assert.deepEqual(notesOf(loaded, 'warn'), [
    '8: K2HFTFUSE_RULE_DIR: without effect: the section on line 24 has the same TARGET and takes its place',
  ]);
});

test('TRUNS decides whether lines are sent; it is no by default', (context) => {
  const table: [keys: string, send: string][] = [
    ['', 'no'],
    ['TRUNS = yes', 'lines'],
    ['TRUNS = y', 'lines'],
    ['truns = On', 'lines'],
    ['TRUNS = no', 'no'],
    ['TRUNS = off\nTRUNS = yes', 'lines'],
    ['TRANS = yes', 'no'],
  ];
  for (const [keys, send] of table)
    assert.equal(ruleFrom(context, file(`DEFAULTALL=ALLOW\n${keys}`)).send, send, keys);
});

test('DEFAULTALL, ALLOW and DENY', (context) => {
  const select = (pattern: string, output?: string) => ({ pattern, output });
  const table: [keys: string, expected: object][] = [
    ['', { default: 'deny', select: [], deny: [] }],
    ['DEFAULTALL = allow', { default: 'allow', select: [], deny: [] }],
    ['ALLOW = INFO', { default: 'deny', select: [select('INFO')], deny: [] }],
    ['ALLOW = a.b', { default: 'deny', select: [select('a\\.b')], deny: [] }],
    ['ALLOW = "a.b"', { default: 'deny', select: [select('a[^\\n]b', '$&')], deny: [] }],
    [
      'ALLOW = "(.*)E(.*)", "$2\\$&"',
      { default: 'deny', select: [select('([^\\n]*)E([^\\n]*)', '$2$$$&')], deny: [] },
    ],
    ['ALLOW = "x", ""', { default: 'deny', select: [select('x', '')], deny: [] }],
    ['ALLOW = A\nDENY = B\nALLOW = C', { default: 'deny', select: [select('A'), select('C')], deny: [] }],
    ['ALLOW = A\nALLOW =\nALLOW = C', { default: 'allow', select: [select('A')], deny: [] }],
    ['DEFAULTALL = ALLOW\nDENY = B\nALLOW = A', { default: 'allow', select: [], deny: ['B'] }],
    ['DEFAULTALL = ALLOW\nDENY = "b+", "x"', { default: 'allow', select: [], deny: ['b+'] }],
    ['DEFAULTALL = ALLOW\nDENY =', { default: 'deny', select: [], deny: [] }],
    ['ALLOW = \'"ERR"\'', { default: 'deny', select: [select('ERR', '$&')], deny: [] }],
  ];
  for (const [keys, expected] of table) {
    const rule = ruleFrom(context, file(`TRUNS = yes\n${keys}`));
    assert.deepEqual(partOf(rule, expected), expected, keys);
  }
});

test('PATTERNS = LITERAL takes quotes as K2HFTFUSE does', (context) => {
  const text = `${file('TRUNS = yes\nALLOW = "a.b"\nALLOW = "x", "y"\nALLOW = \'"e.f"\'')}[K2HFTFUSE]\nPATTERNS = LITERAL\n`;
  assert.deepEqual(ruleFrom(context, text).select, [
    { pattern: 'a\\.b', output: undefined },
    { pattern: 'x, y', output: undefined },
    { pattern: 'e[^\\n]f', output: '$&' },
  ]);
});

test('BINTRANS takes no patterns, and lets nothing through unless DEFAULTALL says so', (context) => {
  const binary = '[K2HFTFUSE]\nBINTRANS = yes\n';
  assert.equal(ruleFrom(context, file(`TRUNS=yes\nDEFAULTALL=ALLOW\nDENY=x\n${binary}`)).send, 'binary');
  const denied = loadMount(context, SERVER_INI + file(`TRUNS=yes\nALLOW=x\nOUTPUTFILE=/tmp/x\n${binary}`));
  assert.deepEqual(partOf(denied.settings.rules[0] ?? {}, { send: 0, copyTo: 0 }), {
    send: 'no',
    copyTo: undefined,
  });
  assert.deepEqual(notesOf(denied, 'warn'), [
    '4: K2HFTFUSE_RULE: nothing passes: under BINTRANS only DEFAULTALL = ALLOW lets anything through, and DENY is the default',
    '7: K2HFTFUSE_RULE.ALLOW: without effect under BINTRANS: what is no line has no pattern',
  ]);
});

test('OUTPUTFILE', (context) => {
  const table: [rule: string, expected: object][] = [
    [file(''), { copyTo: undefined }],
    [file('OUTPUTFILE ='), { copyTo: undefined }],
    [file('OUTPUTFILE = /dev/null'), { copyTo: undefined }],
    [file('OUTPUTFILE = /out/a.log'), { copyTo: '/out/a.log', copyWhat: 'filtered', copyBase: undefined }],
    [directory('OUTPUTFILE = /out/all.log'), { copyTo: '/out/all.log', copyBase: undefined }],
    [directory('OUTPUTFILE = /out/'), { copyTo: '/out/', copyBase: 'log' }],
    ['[K2HFTFUSE_RULE_DIR]\nDEFAULTALL=ALLOW\nOUTPUTFILE = /out/', { copyTo: '/out/', copyBase: undefined }],
    [file('OUTPUTFILE = stage/b.log\n[K2HFTFUSE_RULE_DIR]\nTARGET=stage'), { copyTo: '/mnt/x/stage/b.log' }],
    [
      file('OUTPUTFILE = /mnt/x/stage//b.log\n[K2HFTFUSE_RULE]\nTARGET=stage/b.log'),
      { copyTo: '/mnt/x/stage/b.log' },
    ],
    [
      directory('OUTPUTFILE = stage/\n[K2HFTFUSE_RULE_DIR]\nTARGET=/'),
      { copyTo: '/mnt/x/stage/', copyBase: 'log' },
    ],
    [file('OUTPUTFILE = /mnt/xy/b.log'), { copyTo: '/mnt/xy/b.log' }],
  ];
  for (const [rule, expected] of table) {
    assert.deepEqual(partOf(ruleFrom(context, rule, '/mnt/x'), expected), expected, rule);
  }
});

test('PLUGIN takes the output file over', (context) => {
  const env = ['/usr/bin/env', '-i'];
  const table: [keys: string, expected: object][] = [
    ['PLUGIN = cat', { plugin: [...env, '/usr/bin/cat'], pluginStdout: undefined, copyTo: undefined }],
    ['PLUGIN = /bin/cat -u  x', { plugin: [...env, '/bin/cat', '-u', 'x'] }],
    ['PLUGIN = A=1 B= sed -e s/=/x/', { plugin: [...env, 'A=1', 'B=', '/usr/bin/sed', '-e', 's/=/x/'] }],
    ['PLUGIN = cat\nOUTPUTFILE = /out/x', { pluginStdout: '/out/x', copyTo: undefined }],
    ['PLUGIN = cat\nOUTPUTFILE = /dev/null', { pluginStdout: undefined, copyTo: undefined }],
  ];
  for (const [keys, expected] of table) {
    assert.deepEqual(partOf(ruleFrom(context, file(`DEFAULTALL=ALLOW\n${keys}`)), expected), expected, keys);
  }
});

test('mistakes in rules', (context) => {
  const table: [rule: string, message: string][] = [
    [
      '[K2HFTFUSE_RULE]',
      '4:1: K2HFTFUSE_RULE.TARGET: missing; expected the path of a file below the mount point, such as log/app.log',
    ],
    [
      '[K2HFTFUSE_RULE]\nTARGET=/',
      '5:8: K2HFTFUSE_RULE.TARGET: expected the path of a file below the mount point, such as log/app.log',
    ],
    ['[K2HFTFUSE_RULE]\nTARGET=../x', '5:8: K2HFTFUSE_RULE.TARGET: "../x" leads out of the mount point'],
    [
      file('OUTPUTFILE=/out/'),
      '6:12: K2HFTFUSE_RULE.OUTPUTFILE: expected a file: one rule for one file has no directory',
    ],
    [
      file('OUTPUTFILE=x.log'),
      '6:12: K2HFTFUSE_RULE.OUTPUTFILE: no rule covers "x.log", which lies below the mount point',
    ],
    [
      directory('OUTPUTFILE=log/x.log'),
      '6:12: K2HFTFUSE_RULE_DIR.OUTPUTFILE: what is written there comes back to this rule, without an end',
    ],
    [file('PLUGIN=A=1'), '6:8: K2HFTFUSE_RULE.PLUGIN: expected a program'],
    [
      file('PLUGIN=not-there-at-all'),
      '6:8: K2HFTFUSE_RULE.PLUGIN: there is no program not-there-at-all that may be executed',
    ],
    [
      file('PLUGIN=/etc/passwd'),
      '6:8: K2HFTFUSE_RULE.PLUGIN: there is no program /etc/passwd that may be executed',
    ],
    [file('DEFAULTALL=all'), '6:12: K2HFTFUSE_RULE.DEFAULTALL: expected one of allow, deny, found "all"'],
    [
      file('ALLOW="a["'),
      '6:7: K2HFTFUSE_RULE.ALLOW: cannot be used as a regular expression: a [ without its ] at character 3 of a[',
    ],
    [
      file('ALLOW="a","$x"'),
      '6:7: K2HFTFUSE_RULE.ALLOW: the replacement cannot be used: a $ is followed by one digit, $0 to $9; a literal one is written \\$ at character 1 of $x',
    ],
    [
      file('ALLOW="a", b'),
      '6:7: K2HFTFUSE_RULE.ALLOW: expected one replacement in double quotes behind the comma, found b',
    ],
  ];
  for (const [rule, message] of table)
    assert.deepEqual(mountProblems(context, `${SERVER_INI}${rule}\n`), [message]);
});

test('what a rule may not mean is said at each start', (context) => {
  const table: [rule: string, warnings: RegExp[]][] = [
    [file('TRUNS=yes\nDEFAULTALL=ALLOW'), []],
    [file('TRUNS=yes'), [/without ALLOW and without DEFAULTALL = ALLOW no line passes/]],
    [file('DEFAULTALL=ALLOW'), [/nothing becomes of its lines/]],
    [file('TRUNS=yes\nALLOW=a\nDENY=b'), [/DENY: without effect under DEFAULTALL = DENY/]],
    [file('TRUNS=yes\nDEFAULTALL=ALLOW\nALLOW=a'), [/ALLOW: without effect under DEFAULTALL = ALLOW/]],
    [file('TRUNS=yes\nALLOW=\nALLOW=b'), [/never reached/]],
    [file("TRUNS=yes\nDEFAULTALL=ALLOW\nALLOW = it's"), [/a quote is not closed/]],
    ['[K2HFTFUSE]', [/nothing is sent/]],
  ];
  for (const [rule, warnings] of table) {
    const found = notesOf(loadMount(context, `${SERVER_INI}${rule}\n`), 'warn');
    assert.equal(found.length, warnings.length, `${rule}: ${found.join('; ')}`);
    for (const [index, warning] of warnings.entries()) assert.match(found[index] ?? '', warning);
  }
});

test('how each pattern is read is shown', (context) => {
  const text = file('TRUNS=yes\nALLOW=INFO\nALLOW="(E|W)x","$1"\nALLOW="a|ab"\nALLOW=a.b');
  assert.deepEqual(notesOf(loadMount(context, SERVER_INI + text), 'info').slice(-5), [
    '7: K2HFTFUSE_RULE.ALLOW: the text "INFO" (not in double quotes)',
    '8: K2HFTFUSE_RULE.ALLOW: the regular expression (E|W)x (a quoted pair); the line becomes "$1"',
    '9: K2HFTFUSE_RULE.ALLOW: the regular expression a|ab (in quotes, with characters of a regular expression); the line becomes what it matches',
    '9: K2HFTFUSE_RULE.ALLOW: it has alternatives: where several match, POSIX takes the longest, and this takes the first',
    '10: K2HFTFUSE_RULE.ALLOW: the text "a.b" (not in double quotes); it has characters of a regular expression: in double quotes it would be one',
  ]);
});
