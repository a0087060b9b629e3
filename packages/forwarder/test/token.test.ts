import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { readToken } from '../src/token.js';

test('a token file holds one word, and a fault says nothing of it', (t) => {
  const file = join(temporaryFolder(t), 'token');
  writeFileSync(file, ' secret-word\n');
  assert.equal(readToken(file), 'secret-word');
  for (const [text, expected] of [
    ['\n', /it is empty/],
    ['name secret-word\n', /more than one word/],
    ['secret'.repeat(1000), /at most 2048/],
  ] as const) {
    writeFileSync(file, text);
    assert.throws(
      () => readToken(file),
      (error: Error) => expected.test(error.message) && !error.message.includes('secret'),
    );
  }
});
