import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { LineAllowance, LineCutter, logStandardError } from '../src/standard-error.js';
import { keepLog } from './helpers.js';

void test('lines are cut however the bytes arrive', () => {
  const cutter = new LineCutter();
  assert.deepEqual(cutter.push(Buffer.from('on')), []);
  assert.deepEqual(cutter.push(Buffer.from('e\r\ntwo\nthr')), ['one', 'two']);
  assert.equal(cutter.end(), 'thr');
});

void test('of a line without an end only the beginning is kept', () => {
  const cutter = new LineCutter();
  for (let count = 0; count < 100; count++) cutter.push(Buffer.alloc(1000, 'x'));
  assert.equal(cutter.end().length, 4096);
});

void test('so many lines at once, and so many more with time', () => {
  const allowance = new LineAllowance(0);
  let allowed = 0;
  for (let count = 0; count < 1000; count++) if (allowance.take(0)) allowed++;
  assert.equal(allowed, 50);
  assert.equal(allowance.takeRefused(), 950);
  assert.equal(allowance.take(1000), true);
});

void test('control characters are shown, and the name stands before each line', async () => {
  const stream = new PassThrough();
  const kept = keepLog();
  logStandardError(stream, 'mask', kept.log, new LineAllowance(performance.now()));
  stream.end('bad \x1b[31m line\nlast');
  await new Promise((resolve) => stream.once('end', resolve));
  assert.deepEqual(kept.lines, [
    'warn: plugin mask says: bad \\x1b[31m line',
    'warn: plugin mask says: last',
  ]);
});
