import assert from 'node:assert/strict';
import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { startProcess, temporaryFolder } from '@k2hft/test-harness';
import { withOpenLock } from '../src/open-lock.js';

test('the lock names who has it, and goes with him', (t) => {
  const dataFile = `${temporaryFolder(t)}/data.mdb`;
  const owner = withOpenLock(dataFile, () => readlinkSync(`${dataFile}.opening`));
  assert.equal(owner, String(process.pid));
  assert.throws(() => readlinkSync(`${dataFile}.opening`), { code: 'ENOENT' });
});

test('a killed owner is not waited for', async (t) => {
  const dataFile = `${temporaryFolder(t)}/data.mdb`;
  const owner = startProcess(t, 'sleep', ['1000']);
  symlinkSync(String(owner.pid), `${dataFile}.opening`);
  owner.child.kill('SIGKILL');
  await owner.ended;
  t.mock.method(Atomics, 'wait', () => {
    throw new Error('it waits');
  });
  assert.equal(
    withOpenLock(dataFile, () => 'done'),
    'done',
  );
});

test('an owner that lives is waited for, but not for ever; and nobody takes away the lock of another', (t) => {
  const lockFile = `${temporaryFolder(t)}/data.mdb.opening`;
  const frozen = String(startProcess(t, 'sleep', ['1000']).pid);
  const next = String(startProcess(t, 'sleep', ['1000']).pid);
  symlinkSync(frozen, lockFile);
  const polls = t.mock.method(Atomics, 'wait');
  withOpenLock(lockFile.replace('.opening', ''), () => {
    assert.ok(polls.mock.callCount() >= 100, `${polls.mock.callCount()} polls`);
    // We are frozen meanwhile, and somebody else takes it.
    rmSync(lockFile);
    symlinkSync(next, lockFile);
  });
  assert.equal(readlinkSync(lockFile), next);
});
