import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeLiteral, translatePosix } from '../../src/legacy/posix-pattern.js';

function sourceOf(pattern: string): string {
  const translated = translatePosix(pattern);
  assert.ok('source' in translated, `${pattern}: ${'fault' in translated ? translated.fault : ''}`);
  return translated.source;
}

/** The matched text and the groups; undefined: no match. A group that took no part is an empty text. */
function matchOf(pattern: string, text: string): string[] | undefined {
  const match = new RegExp(sourceOf(pattern), 'u').exec(text);
  return match === null ? undefined : Array.from(match, (group: string | undefined) => group ?? '');
}

test('POSIX expressions in the words of JavaScript', () => {
  const table: [pattern: string, source: string][] = [
    ['abc', 'abc'],
    ['(.*)ERR(.*)', '([^\\n]*)ERR([^\\n]*)'],
    ['^a|b$', '^a|b$'],
    ['a)b', 'a\\)b'],
    ['a]b}c', 'a\\]b\\}c'],
    ['a+?', '(?:a+)?'],
    ['a**', '(?:a*)*'],
    ['a{2}', 'a{2}'],
    ['a{2,}', 'a{2,}'],
    ['a{,3}', 'a{0,3}'],
    ['a{2,3}', 'a{2,3}'],
    ['[[:digit:]]+', '[0-9]+'],
    ['[^[:space:]]', '[^\\t-\\r ]'],
    ['[]a]', '[\\]a]'],
    ['[^]a-]', '[^\\]a\\-]'],
    ['[\\n]', '[\\\\n]'],
    ['[[.-.]a]', '[\\-a]'],
    ['[[=a=]]', '[a]'],
    ['[[.a.]-c]', '[a-c]'],
    ['[%--]', '[%-\\-]'],
    ['\\w\\W', '\\w\\W'],
    ['\\s', '[\\t-\\r ]'],
    ['\\S', '[^\\t-\\r ]'],
    ['\\bx\\B', '\\bx\\B'],
    ['\\<x\\>', '\\b(?=\\w)x\\b(?<=\\w)'],
    ["\\`x\\'", '^x$'],
    ['\\n\\.\\{', 'n\\.\\{'],
    ['(a)\\1', '(a)\\1'],
    ['(a)\\10', '(a)(?:\\1)0'],
    ['(a|b)c', '(a|b)c'],
    ['()', '()'],
    ['a||b', 'a||b'],
    ['é', 'é'],
    ['/', '/'],
    ['', ''],
  ];
  for (const [pattern, source] of table) {
    assert.equal(sourceOf(pattern), source, pattern);
    assert.ok(new RegExp(source, 'u'));
  }
});

test('expressions that glibc refuses are refused', () => {
  const table: [pattern: string, offset: number, fault: RegExp][] = [
    ['*a', 0, /nothing stands in front of \*/],
    ['a|*b', 2, /nothing stands in front/],
    ['(*a)', 1, /nothing stands in front/],
    ['^*', 1, /nothing stands in front/],
    ['{1}', 0, /nothing stands in front of \{/],
    ['a{', 1, /expected \{3\}/],
    ['a{x}', 1, /expected \{3\}/],
    ['a{2,1}', 1, /backwards/],
    ['a{99999}', 1, /beyond 32767/],
    ['(a', 0, /\( without its \)/],
    ['[a', 2, /\[ without its \]/],
    ['[]', 2, /\[ without its \]/],
    ['[z-a]', 1, /backwards/],
    ['[a-c-e]', 4, /a - in a set/],
    ['[[:foo:]]', 1, /is no class/],
    ['[[.space.]]', 1, /no single character/],
    ['[a-[:alpha:]]', 1, /cannot be an end/],
    ['a\\', 1, /nothing follows/],
    ['\\1', 0, /no complete group 1/],
    ['(a\\1)', 2, /no complete group 1/],
    ['(a)|b\\1', 5, /no complete group 1/],
  ];
  for (const [pattern, offset, fault] of table) {
    const found = translatePosix(pattern);
    assert.ok('fault' in found, pattern);
    assert.match(found.fault, fault, pattern);
    assert.equal(found.offset, offset, pattern);
  }
});

test('what JavaScript answers differently is remarked upon', () => {
  const table: [pattern: string, remarks: RegExp[]][] = [
    ['ERROR|WARN', []],
    ['(ERROR|INFO)(.*)', []],
    ['(ERR|ERROR)', [/alternatives/]],
    ['a|', [/alternatives/]],
    ['(a)\\1', []],
    ['((a)b)\\2', []],
    ['(a)?\\1', [/left out/]],
    ['((a)|c)\\2', [/alternatives/, /left out/]],
    ['((a)*)x\\2', [/left out/]],
  ];
  for (const [pattern, remarks] of table) {
    const found = translatePosix(pattern);
    const given = 'remarks' in found ? found.remarks : [];
    assert.equal(given.length, remarks.length, `${pattern}: ${given.join()}`);
    for (const [index, remark] of remarks.entries()) assert.match(given[index] ?? '', remark, pattern);
  }
});

test('a carriage return is an ordinary character, a newline is none', () => {
  assert.deepEqual(matchOf('a.b', 'a\rb'), ['a\rb']);
  assert.deepEqual(matchOf('a.b', 'a\u2028b'), ['a\u2028b']);
  assert.equal(matchOf('a.b', 'a\nb'), undefined);
  assert.equal(matchOf('\\s', '\u00a0'), undefined);
});

test('a literal matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, around) => {
      const pattern = new RegExp(escapeLiteral(text), 'u');
      assert.equal(pattern.exec(around + text)?.[0], text);
      assert.equal(pattern.test(around), around.includes(text));
    }),
  );
});

/** Runs all expressions through regcomp(3) and regexec(3) of glibc, as bash does for `=~`. */
function askGlibc(cases: readonly (readonly [pattern: string, text: string])[]): string[] {
  const script = `while IFS= read -r pattern && IFS= read -r text; do
    [[ $text =~ $pattern ]]; status=$?
    if [ $status = 0 ]; then printf 'match'; printf '|%s' "\${BASH_REMATCH[@]}"; echo; else echo $status; fi
  done 2>/dev/null`;
  const input = cases.map(([pattern, text]) => `${pattern}\n${text}\n`).join('');
  const ran = spawnSync('bash', ['-c', script], {
    input,
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' },
  });
  return ran.stdout.split('\n').slice(0, -1);
}

const skip = spawnSync('bash', ['-c', '[[ aXb =~ a[[:upper:]]b ]]']).status !== 0 && 'there is no bash';

/** What glibc calls a match (0), none (1), or no expression (2). */
function ourAnswer(pattern: string, text: string): string {
  const translated = translatePosix(pattern);
  if ('fault' in translated) return '2';
  const match = new RegExp(translated.source, 'u').exec(text);
  if (match === null) return '1';
  return `match|${Array.from(match, (group: string | undefined) => group ?? '').join('|')}`;
}

const piece = fc.constantFrom(
  ...[
    'a',
    'b',
    'c',
    '.',
    '^',
    '$',
    '\\w',
    '\\<',
    '\\>',
    '\\b',
    '[ab]',
    '[^a]',
    '[a-c]',
    '[[:alpha:]]',
    '[]a]',
  ],
  ...['[a-]', '\\.', '\\*', ')', ']', '}', '\\n', '(a)', '(b)', '(a.)', '(.*)', '[[=b=]]', '\\s', '-', '\\B'],
);
const repetition = fc.constantFrom(
  '',
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '{2}',
  '{1,}',
  '{,2}',
  '+?',
  '{',
  '**',
  '{1}{2}',
);
const expression = fc
  .array(fc.tuple(piece, repetition), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.flat().join(''));

test('glibc takes and refuses the same expressions, and finds the same matches', { skip }, () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', ' ', '.', '*', ')', ']', '-', 'n'),
    maxLength: 8,
  });
  const cases = fc.sample(fc.tuple(expression, text), 1500);
  const answers = askGlibc(cases);
  for (const [index, [pattern, given]] of cases.entries()) {
    const ours = ourAnswer(pattern, given);
    const theirs = answers[index] ?? '';
    const where = `${pattern} on ${JSON.stringify(given)}`;
    // Where repetitions compete for the same text, POSIX asks for the longest match; only that there is one is certain.
    assert.equal(ours.split('|')[0], theirs.split('|')[0], where);
  }
});

test('the usual expressions find the same text as in glibc', { skip }, () => {
  const patterns = [
    '(.*)ERROR(.*)',
    '^([^ ]+) (.*)$',
    '([0-9]+)ms',
    '\\[(.*)\\]',
    '(INFO|WARN) (.*)',
    '\\<id=([[:alnum:]]+)',
  ];
  const texts = [
    'a ERROR b',
    'x ERROR ERROR',
    '12ms 34ms',
    '[a] [b]',
    'WARN x id=4f id=5',
    'INFO',
    '',
    'x y z',
  ];
  const cases = patterns.flatMap((pattern) => texts.map((text) => [pattern, text] as const));
  assert.deepEqual(
    cases.map(([pattern, text]) => ourAnswer(pattern, text)),
    askGlibc(cases),
  );
});
