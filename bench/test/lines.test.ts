import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { countUp, makeLine, makeLinesFile } from '../src/lines.js';

test('a line has the length asked for, its number in front and a newline at the end', () => {
  assert.equal(makeLine(10, 42).toString(), '000000042\n');
  const long = makeLine(200, 7).toString();
  assert.equal(long.length, 200);
  assert.match(long, /^000000007[a-z ]+\n$/);
});

test('counting up carries over', () => {
  const line = makeLine(10, 99_999);
  countUp(line, 0);
  assert.equal(line.toString(), '000100000\n');
});

test('a file of lines counts them from 0 across its blocks', (t) => {
  const file = join(temporaryFolder(t), 'lines');
  assert.equal(makeLinesFile(file, 1000, 2500), 2_500_000);
  const lines = readFileSync(file, 'latin1').split('\n');
  assert.equal(lines.pop(), '');
  assert.equal(lines.length, 2500);
  lines.forEach((line, number) => {
    assert.equal(Number(line.slice(0, 9)), number);
    assert.equal(line.length, 999);
  });
});
