import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { startProcess, whyNoMounts } from '@k2hft/test-harness';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

void test(
  'npm start -- --once shows lines arriving, ends with 0 and leaves nothing',
  { skip: whyNoMounts() ?? false },
  async (t) => {
    const started = startProcess(t, 'npm', ['start', '--', '--once'], { cwd: ROOT });
    assert.equal(await started.ended, 0, started.output());
    assert.match(started.output(), /All 3 lines have arrived/);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith('k2hft-start-')),
      [],
    );
  },
);

void test(
  'npm start as another user says in one sentence what is missing',
  { skip: whyNoMounts() ?? false },
  async (t) => {
    const started = startProcess(t, process.execPath, ['scripts/start.mjs', '--once'], {
      cwd: ROOT,
      uid: 65534,
      gid: 65534,
    });
    assert.equal(await started.ended, 1);
    assert.match(started.output(), /^k2hft mounts a file system, which needs root[^\n]*\n$/);
  },
);
