import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseMemory, parseStat } from '../src/proc-stat.js';

const STAT = '4711 (a ) (b) R 1 4711 4711 0 -1 4194560 100 0 0 0 150 25 7 3 20 0 11 0 123456 1000000 500';

test('processor time is read behind a name with blanks and parentheses', () => {
  assert.deepEqual(parseStat(STAT), { own: 1.75, children: 0.1 });
});

test('what is no stat line is refused', () => {
  assert.throws(() => parseStat('4711 (node) R 1'), /not the text/);
});

test('memory is given in bytes', () => {
  const text = 'Name:\tnode\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t     512 kB\n';
  assert.deepEqual(parseMemory(text), { resident: 1_048_576, anonymous: 524_288, peak: 2_097_152 });
});

test('missing memory lines are refused, as those of a zombie', () => {
  assert.throws(() => parseMemory('Name:\tnode\nState:\tZ (zombie)\n'), /no VmRSS/);
});

test('this process can be read', () => {
  assert.ok(parseStat(readFileSync('/proc/self/stat', 'utf8')).own > 0);
  assert.ok(parseMemory(readFileSync('/proc/self/status', 'utf8')).resident > 1e6);
});
