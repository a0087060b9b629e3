import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { ServerError } from '../src/errors.js';
import { StateLock, stateHolder } from '../src/state-lock.js';

test('a state directory has one holder, and says which', async (context) => {
  const folder = join(temporaryFolder(context), 'state');
  const lock = await StateLock.take(folder);
  await assert.rejects(StateLock.take(folder), (error) => {
    assert.ok(error instanceof ServerError && error.code === 'state_locked');
    assert.match(error.message, new RegExp(`process ${process.pid}, since 2`));
    return true;
  });
  lock.release();
  (await StateLock.take(folder)).release();
});

test('what cannot be a directory is refused', async (context) => {
  const file = join(temporaryFolder(context), 'file');
  writeFileSync(file, '');
  await assert.rejects(StateLock.take(file), { code: 'state_dir' });
  await assert.rejects(StateLock.take(join(file, 'below')), { code: 'state_dir' });
});

test('whoever has the name of the lock cannot pass another process for the server', async (context) => {
  const folder = temporaryFolder(context);
  const lock = await StateLock.take(folder);
  // It is the lock of a server, and this process is none.
  assert.equal(await stateHolder(folder), undefined);
  lock.release();
});
