import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { startProcess, temporaryFolder, whyNoMounts } from '@k2hft/test-harness';

const skip = whyNoMounts() ?? false;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

void test('npm start -- --once shows lines arriving, ends with 0 and leaves nothing', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const started = startProcess(t, 'npm', ['start', '--', '--once'], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: folder },
  });
  assert.equal(await started.ended, 0, started.output());
  assert.match(started.output(), /All 3 lines have arrived/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('k2hft-start-')),
    [],
  );
});

void test('npm start as another user says in one sentence what is missing', { skip }, async (t) => {
  // The checkout may lie where another user cannot read it.
  const folder = temporaryFolder(t);
  copyFileSync(join(ROOT, 'scripts/start.mjs'), join(folder, 'start.mjs'));
  chmodSync(folder, 0o755);
  const nobody = { cwd: folder, uid: 65534, gid: 65534 };
  const started = startProcess(t, process.execPath, ['start.mjs', '--once'], nobody);
  assert.equal(await started.ended, 1);
  assert.match(started.output(), /^k2hft mounts a file system, which needs root[^\n]*\n$/);
});
