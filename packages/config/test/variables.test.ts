import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeVariables, expandVariables } from '../src/variables.js';

const ENV: Readonly<Record<string, string>> = { A: 'one', _B2: 'two', EMPTY: '', DOLLAR: '${A}' };
const expand = (text: string) => expandVariables(text, (name) => ENV[name]);

test('variables, defaults, dollars', () => {
  const cases: [string, string][] = [
    ['${A}', 'one'],
    ['x${A}y${_B2}z', 'xoneytwoz'],
    ['${A:-other}', 'one'],
    ['${NOT:-other}', 'other'],
    ['${NOT:-}', ''],
    ['${NOT:-a:-b$c}', 'a:-b$c'],
    ['${EMPTY}', ''],
    ['${EMPTY:-other}', 'other'],
    ['${DOLLAR}', '${A}'],
    ['$$', '$'],
    ['$${A}', '${A}'],
    ['$$${A}', '$one'],
    ['end$', 'end$'],
    ['$1 $& $<x>', '$1 $& $<x>'],
    ['^(a|b)$', '^(a|b)$'],
    ['{A}', '{A}'],
  ];
  for (const [text, expected] of cases) assert.deepEqual(expand(text), { text: expected }, text);
});

test('what cannot be filled in', () => {
  const form = (found: string) =>
    `expected \${NAME} or \${NAME:-default}, found ${JSON.stringify(found)}; a literal dollar is written $$`;
  const cases: [string, string][] = [
    ['${NOT}', 'the environment variable NOT is not set; set it, or write ${NOT:-default}'],
    ['${}', form('${}')],
    ['${1}', form('${1}')],
    ['${A', form('${A')],
    ['${A-x}', form('${A-x}')],
    ['${A B}', form('${A B}')],
  ];
  for (const [text, problem] of cases) assert.deepEqual(expand(text), { problem }, text);
});

test('any text survives being escaped and expanded', () => {
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom('$', '{', '}', 'A')).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (written) => {
      assert.deepEqual(expand(escapeVariables(written)), { text: written });
    }),
  );
});
