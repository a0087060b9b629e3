import assert from 'node:assert/strict';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { makeTrustedFolder } from '../src/trusted-folder.js';

const NOBODY = 65_534;

test('a folder is made, and one of this user is taken', (t) => {
  const folder = join(temporaryFolder(t), 'a/b');
  makeTrustedFolder(folder);
  makeTrustedFolder(folder);
  assert.equal(statSync(folder).mode & 0o022, 0);
});

test(
  'a folder that somebody else has made first is not written to',
  { skip: process.getuid?.() !== 0 },
  (t) => {
    const folder = join(temporaryFolder(t), 'k2hft-0');
    mkdirSync(folder);
    chownSync(folder, NOBODY, NOBODY);
    assert.throws(() => {
      makeTrustedFolder(folder);
    }, /belongs to another user \(65534\)/);
  },
);
