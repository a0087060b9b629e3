import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { problemsOf } from './reading-helpers.js';

/** Files with mistakes: command, name, lines, and what is said about them, in the order of the lines. */
const CASES: readonly (readonly ['mount' | 'server', string, readonly string[], readonly string[]])[] = [
  [
    'mount',
    'all-at-once.yaml',
    [
      'mount:',
      '  mode: overlap',
      '  umsk: 022',
      'hsot: web1',
      'queue:',
      '  max_size: 10 gigs',
      '  urls: [ws://a:1]',
      '  nonsense: 1',
      'servers:',
      '  urls: ws://a:1',
      '  token_file: token',
      'rules:',
      '  - path: "**"',
      '    send: line',
      '    max_record: 9MiB',
      '    deny: ["("]',
      '  - send: no',
      'shutdown_timeout:',
    ],
    [
      '2:9: mount.mode: expected one of overlay, virtual, found "overlap"',
      '3:3: mount.umsk: unknown key; did you mean umask?',
      '4:1: hsot: unknown key; did you mean host?',
      '6:13: queue.max_size: expected a size such as 10MiB (B KB MB GB KiB MiB GiB) of at least 1B, found "10 gigs"',
      '7:3: queue.urls: unknown key; did you mean servers.urls?',
      '8:3: queue.nonsense: unknown key; known here are dir, max_size, min_free, when_full, max_wait, expire, checkpoint',
      '10:9: servers.urls: expected a list of URLs such as [ws://host:8020], found "ws://a:1"',
      '11:15: servers.token_file: expected a file that exists, found "token": there is no FOLDER/token',
      '14:11: rules[0].send: expected one of lines, binary, no, found "line"',
      '15:17: rules[0].max_record: expected a size such as 10MiB (B KB MB GB KiB MiB GiB) from 1B to 8MiB, found "9MiB"',
      '16:12: rules[0].deny[0]: expected a regular expression (JavaScript, u flag), found "(": Invalid regular expression: /(/u: Unterminated group',
      '17:5: rules[1].path: missing; expected a glob relative to the mount point, such as "*.log" or "**"',
      '18:18: shutdown_timeout: expected a duration such as 5s (ms s m h d) from 0s to 24d, found nothing',
    ],
  ],
  [
    'mount',
    'all-at-once.ini',
    [
      'host = a b',
      'shutdown_timeout = 1s',
      'shutdown_timeout = 2s',
      '[queue]',
      'max_size = "10GiB" or so',
      'min_free = ${NO_SUCH_VARIABLE}',
      'what is this',
      '[servers]',
      'urls = ws://a:1, "ws://b:2',
      'tls = { ca: ca.pem, certt: x }',
      '[ruel]',
      'path = a',
      '[rule]',
      'path = **',
      'rewrite = "a", "b", "c"',
      'allow = ok, a{1,3}',
      '[log]',
      'level = loud',
      'level.x = 1',
    ],
    [
      '1:8: host: expected a host name, found "a b": a blank, a slash or a control character',
      '3:20: shutdown_timeout: given twice, first on line 2; this key takes one value',
      '5:19: queue.max_size: expected nothing after the closing double quote',
      '6:12: queue.min_free: the environment variable NO_SUCH_VARIABLE is not set; set it, or write ${NO_SUCH_VARIABLE:-default}',
      '7:1: INI: expected "key = value" or "[section]"',
      '9:18: servers.urls: the closing double quote is missing',
      '10:13: servers.tls.ca: expected a file that exists, found "ca.pem": there is no FOLDER/ca.pem',
      '10:21: servers.tls.certt: unknown key; did you mean cert?',
      '11:1: ruel: unknown key; did you mean rules?',
      "15:11: rules[0].rewrite[0]: expected a pattern and its replacement, such as ['password=\\S+', 'password=***'], found 3 values",
      '16:13: rules[0].allow[1]: expected a regular expression (JavaScript, u flag), found "a{1": Invalid regular expression: /a{1/u: Incomplete quantifier',
      '16:17: rules[0].allow[2]: expected a regular expression (JavaScript, u flag), found "3}": Invalid regular expression: /3}/u: Lone quantifier brackets',
      '18:9: log.level: expected one of silent, error, warn, info, debug, found "loud"',
      '19:1: log.level.x: given above as a value, and here as a section',
    ],
  ],
  [
    'server',
    'all-at-once.json',
    [
      '{"listen": "wss://0.0.0.0:8020",',
      ' "max_connections": 0,',
      ' "output": {"path": "../{path}", "format": "%Q", "fsync": "sometimes", "rotate": {"keep": -1}},',
      ' "relay": {"queue": null, "servers": {}},',
      ' "log": "debug"}',
    ],
    [
      '2:21: max_connections: expected a whole number from 1 to 1000000, found "0"',
      '3:12: output.dir: missing; expected a path',
      '3:21: output.path: expected a path below output.dir such as "{host}/{path}", found "../{path}": no part of it may be . or ..',
      '3:44: output.format: expected a format such as "%T %H %L", found "%Q": "%Q" is unknown; known are %H %P %U %G %F %f %T %L %l %{trimmed} %% \\n \\t \\r \\a \\b \\f \\v \\\\ \\xHH',
      '3:59: output.fsync: expected a duration such as 50ms, or always, or no, found "sometimes"',
      '3:91: output.rotate.keep: expected a whole number from 0 to 100000, found "-1"',
      '4:21: relay.queue.dir: missing; expected a path',
      '5:9: log: expected a section with keys such as level, format, found "debug"',
    ],
  ],
  // What only the values together show.
  [
    'mount',
    'a.yaml',
    ['host: x'],
    ['1:1: servers.urls: missing; expected at least one server, such as urls: [ws://host:8020]'],
  ],
  [
    'mount',
    'b.yaml',
    ['log: {}', 'servers:', '  linger: 0'],
    ['2:1: servers.urls: missing; expected at least one server, such as urls: [ws://host:8020]'],
  ],
  [
    'mount',
    'c.yaml',
    ['servers:', '  urls: [ws://a:1, ws://a:1]'],
    ['2:20: servers.urls[1]: "ws://a:1" is in the list already'],
  ],
  [
    'mount',
    'd.yaml',
    ['servers:', '  urls: [wss://a:1]', '  tls: { cert: d.yaml }'],
    ['3:10: servers.tls.cert: a certificate needs its key: give tls.key'],
  ],
  [
    'mount',
    'd.ini',
    ['[servers]', 'urls = wss://a:1', 'tls.key = d.ini'],
    ['3:1: servers.tls.key: a key needs its certificate: give tls.cert'],
  ],
  [
    'server',
    'e.yaml',
    ['listen: wss://0.0.0.0:8020', 'output: { dir: x }'],
    ['1:1: listen: wss:// needs a certificate: give tls.cert and tls.key'],
  ],
  [
    'server',
    'f.yaml',
    [''],
    ['1:1: output: missing; nothing would be done with what arrives: give output.dir, or a relay'],
  ],
  [
    'server',
    'g.yaml',
    ['output:', '  dir: x', '  rotate:'],
    ['3:10: output.rotate: expected a size, or every, or both'],
  ],
  [
    'server',
    'h.yaml',
    ['relay:', '  queue: { dir: q }'],
    ['2:3: relay.servers.urls: missing; expected at least one server, such as urls: [ws://host:8020]'],
  ],
  [
    'server',
    'i.yaml',
    ['tls:', 'output: { dir: x }'],
    [
      '1:5: tls.cert: missing; expected a file that exists',
      '1:5: tls.key: missing; expected a file that exists',
    ],
  ],
  // What the dialects refuse.
  [
    'mount',
    'j.yaml',
    ['a: 1', 'b: [', 'c: 2'],
    ['3:1: YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [
    'mount',
    'k.yaml',
    ['rules: []', 'host: a', 'host: b'],
    ['3:1: host: this key was given before, in the same section'],
  ],
  [
    'mount',
    'l.json',
    ['{"rules": [],', ' "host": "a",', ' "host": "b"}'],
    ['3:2: host: this key was given before, in the same section'],
  ],
  [
    'mount',
    'l.ini',
    ['rules =', 'log = { level: info, level: warn }'],
    ['2:22: log.level: this key was given before, in the same section'],
  ],
  [
    'mount',
    's.yaml',
    ['rules:', '  - { path: a, send: no, send: no }'],
    ['2:26: rules[0].send: this key was given before, in the same section'],
  ],
  ['mount', 'm.json', ['{"rules": [],}'], ['1:14: JSON: expected a key in double quotes, found "}"']],
  [
    'mount',
    'n.ini',
    ['rules = a'],
    ['1:9: rules[0]: expected a section with keys such as path, send, max_record, found "a"'],
  ],
  [
    'mount',
    'o.ini',
    ['[host]', 'x = 1', '[rules]', 'path = a', 'send = no'],
    ['1:1: host: expected a host name, found a section'],
  ],
  [
    'mount',
    'p.ini',
    ['rules =', 'log = { level: [ }'],
    [
      '2:18: log: YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
      '2:18: log: YAML: Flow map must end with a }',
    ],
  ],
  [
    'mount',
    'q.ini',
    ['rules =', '[mount]', 'host = web1'],
    ['3:1: mount.host: unknown key; did you mean host?'],
  ],
  [
    'mount',
    's.yaml',
    [
      'rules:',
      '  - path: a',
      '    send: binary',
      '    quota: 1KiB/s',
      '    long_records: drop',
      '    deny: [x]',
    ],
    ['4:5: rules[0].quota', '5:5: rules[0].long_records', '6:5: rules[0].deny'].map(
      (key) =>
        `${key}: without effect with send: binary, whose bytes are no lines; give send: lines, or leave it out`,
    ),
  ],
  [
    'mount',
    't.yaml',
    [
      'rules:',
      '  - { path: a, copy_base: b, copy_what: filtered }',
      '  - { path: b, plugin_stdout: /x, plugin_buffer: 1MiB }',
      '  - { path: c, send: no, default: deny, quota: 1KiB/s }',
      '  - { path: d, send: no, default: allow, copy_what: written, plugin_buffer: 64MiB }',
      '  - { path: e, send: no, deny: [x], copy_to: /x }',
    ],
    [
      '2:16: rules[0].copy_base: without effect without copy_to; give copy_to, or leave it out',
      '2:30: rules[0].copy_what: without effect without copy_to; give copy_to, or leave it out',
      '3:16: rules[1].plugin_stdout: without effect without plugin; give plugin, or leave it out',
      '3:35: rules[1].plugin_buffer: without effect without plugin; give plugin, or leave it out',
      ...['4:26: rules[2].default', '4:41: rules[2].quota'].map(
        (key) =>
          `${key}: without effect with send: no, unless there is copy_to or plugin; give one of them, or leave it out`,
      ),
    ],
  ],
  ['mount', 'r.yaml', ['rules:'], ['1:7: rules: expected a list of rules, each with a path, found nothing']],
];

for (const [command, name, lines, expected] of CASES) {
  test(`${name}: ${lines[0] ?? ''}`, (context) => {
    const folder = temporaryFolder(context);
    const found = problemsOf(command, folder, name, lines.join('\n'));
    assert.deepEqual(
      found.map((message) => message.replaceAll(folder, 'FOLDER')),
      expected,
    );
  });
}
