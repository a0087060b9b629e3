import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { limitLog } from '../src/limited-log.js';

test('a flood of lines is cut short, and what was left out is counted', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const log = limitLog(
    (_level, message) => lines.push(message),
    () => nowMs,
  );
  for (let index = 0; index < 1000; index++) log('warn', `line ${index}`);
  assert.equal(lines.length, 30);
  nowMs = 2000;
  log('warn', 'later');
  assert.deepEqual(lines.slice(30), [
    '970 more lines about connections that were not accepted were left out',
    'later',
  ]);
});
