import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIni } from '../src/parse-ini.js';
import { plainOf } from './reading-helpers.js';

const one = (text: string) => ({ assigned: [text] });

test('sections, dots, comments and blank lines', () => {
  const { root, problems } = parseIni(
    [
      '; comment',
      'host = web1   # the name',
      'log.level=debug',
      '',
      '[servers]   ; where',
      '  urls = ws://a, ws://b',
      'tls.ca = ca.pem',
      'tls.key = a=b',
      '[relay.queue]',
      'dir = /q',
      '[relay]',
      'servers.urls = ws://c',
      'empty =',
    ].join('\r\n'),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(plainOf(root), {
    host: one('web1'),
    log: { level: one('debug') },
    servers: { urls: one('ws://a, ws://b'), tls: { ca: one('ca.pem'), key: one('a=b') } },
    relay: { queue: { dir: one('/q') }, servers: { urls: one('ws://c') }, empty: one('') },
  });
});

test('[rule] and [rules] are the items of one list', () => {
  const { root, problems } = parseIni('[rule]\npath = a\n[log]\nlevel = info\n[rules]\npath = b\n[rule]\n');
  assert.deepEqual(problems, []);
  assert.deepEqual(plainOf(root), {
    rules: [{ path: one('a') }, { path: one('b') }, {}],
    log: { level: one('info') },
  });
});

test('a repeated key adds, also when its section is repeated', () => {
  const { root, problems } = parseIni('[s]\na = 1\nb = x\na = 2, 3\n[t]\n[s]\na = 4\n');
  assert.deepEqual(problems, []);
  assert.deepEqual(plainOf(root), { s: { a: { assigned: ['1', '2, 3', '4'] }, b: one('x') }, t: {} });
});

test('names of the language itself are keys like others', () => {
  const { root } = parseIni('[__proto__]\nconstructor = 1\n');
  assert.equal(root?.kind, 'map');
  assert.deepEqual([...root.entries.keys()], ['__proto__']);
});

test('places count from 1, and point at the value', () => {
  const { root } = parseIni('\n[queue]\n  dir   =   /q\n');
  const queue = root?.kind === 'map' ? root.entries.get('queue') : undefined;
  assert.deepEqual(queue?.keyPlace, { line: 2, column: 1 });
  const dir = queue.value.kind === 'map' ? queue.value.entries.get('dir') : undefined;
  assert.deepEqual(dir?.keyPlace, { line: 3, column: 3 });
  assert.deepEqual(dir.value.place, { line: 3, column: 13 });
});

test('every line that cannot be read is reported', () => {
  const section = 'INI: expected a section such as [queue]';
  const assignment = 'INI: expected "key = value" or "[section]"';
  const cases: [string, number, string][] = [
    ['host', 1, assignment],
    ['[queue', 1, section],
    ['[]', 1, section],
    ['  [a b]', 3, section],
    ['[a] b', 1, section],
    [' = 3', 2, assignment],
    ['a..b = 1', 1, assignment],
    ['a b = 1', 1, assignment],
  ];
  const { problems } = parseIni(cases.map(([line]) => line).join('\n'));
  assert.deepEqual(
    problems,
    cases.map(([, column, message], index) => ({ place: { line: index + 1, column }, message })),
  );
});

test('keys below a header that cannot be read go nowhere', () => {
  assert.deepEqual(plainOf(parseIni('a = 1\n[a b]\nc = 2\n').root), { a: one('1') });
});

test('a key cannot be a value and a section', () => {
  const cases: [string, number, string, string][] = [
    ['x = 1\nx.y = 2', 2, 'x.y', 'given above as a value, and here as a section'],
    ['log.level = a\nlog = b', 2, 'log', 'given above as a section, and here as a value'],
    ['x = 1\n[x]\ny = 2', 2, 'x', 'given above as a value, and here as a section'],
    ['rules =\n[rule]\npath = a', 2, 'rules', 'given above as a value, and here as a section'],
    ['[s]\nx = 1\nx.y.z = 2', 3, 's.x.y.z', 'given above as a value, and here as a section'],
    ['[rule]\nx.y = 1\nx = 2', 3, 'rules[0].x', 'given above as a section, and here as a value'],
  ];
  for (const [text, line, key, message] of cases) {
    const { problems } = parseIni(text);
    assert.deepEqual(problems, [{ place: { line, column: 1 }, key, message }], text);
  }
});
