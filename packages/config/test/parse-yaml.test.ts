import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../src/parse-yaml.js';
import { plainOf } from './reading-helpers.js';

test('plain values stay texts', () => {
  const text = 'umask: 022\nsend: no\nn: 1.50\nq: "null"\nb: |\n  two\n  lines\nlist: [a, "b, c", 3]\n';
  const { root, problems } = parseYaml(text);
  assert.deepEqual(problems, []);
  assert.deepEqual(plainOf(root), {
    umask: '022',
    send: 'no',
    n: '1.50',
    q: 'null',
    b: 'two\nlines\n',
    list: ['a', 'b, c', '3'],
  });
});

test('a key without a value is nothing, an empty file an empty section', () => {
  assert.deepEqual(plainOf(parseYaml('a:\nb: ~\nc: null\nd: ""\n? e\n').root), {
    a: null,
    b: null,
    c: null,
    d: '',
    e: null,
  });
  assert.deepEqual(plainOf(parseYaml('').root), {});
  assert.deepEqual(plainOf(parseYaml('# only a comment\n').root), {});
});

test('aliases repeat a part', () => {
  assert.deepEqual(plainOf(parseYaml('a: &x { b: [1] }\nc: *x\n').root), {
    a: { b: ['1'] },
    c: { b: ['1'] },
  });
});

test('aliases cannot grow without end', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    bomb.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  for (const text of [bomb.join('\n'), 'a: &a [*a]']) {
    const { problems } = parseYaml(text);
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? '', /too many or too deep/);
  }
});

test('places count from 1', () => {
  const { root } = parseYaml('queue:\n  dir: /q\n');
  const queue = root?.kind === 'map' ? root.entries.get('queue') : undefined;
  assert.deepEqual(queue?.keyPlace, { line: 1, column: 1 });
  const dir = queue.value.kind === 'map' ? queue.value.entries.get('dir') : undefined;
  assert.deepEqual(dir?.keyPlace, { line: 2, column: 3 });
  assert.deepEqual(dir.value.place, { line: 2, column: 8 });
});

test('a part of a line has the places of the line', () => {
  const { root } = parseYaml('{ ca: x }', { line: 4, column: 7 });
  const ca = root?.kind === 'map' ? root.entries.get('ca') : undefined;
  assert.deepEqual(ca?.value.place, { line: 4, column: 13 });
});

test('says what is wrong, and where', () => {
  const cases: [string, number, number, RegExp][] = [
    ['a: b: c', 1, 4, /^YAML: Nested mappings/],
    ['a: [1, 2\nb: 3', 2, 1, /^YAML: Flow sequence/],
    ['a: "x', 1, 6, /^YAML: Missing closing "quote/],
    ['a: "\\S"', 1, 5, /^YAML: Invalid escape/],
    ['a: 1\n\tb: 2', 2, 1, /^YAML: Tabs/],
    ['a: 1\nb: *x', 2, 4, /^YAML: nothing above is called &x/],
    ['a: 1\na: 2', 2, 1, /^this key was given before/],
    ['a: !!int 1', 1, 4, /^YAML: Unresolved tag/],
    ['? [a]\n: 1', 1, 3, /^a key must be a word/],
    ['a: 1\n---\nb: 2', 2, 1, /^YAML: Source contains multiple documents/],
  ];
  for (const [text, line, column, message] of cases) {
    const { problems } = parseYaml(text);
    const first = problems[0];
    assert.ok(first !== undefined, text);
    assert.deepEqual(first.place, { line, column }, `${text}: ${first.message}`);
    assert.match(first.message, message);
  }
});
