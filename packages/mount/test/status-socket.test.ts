import assert from 'node:assert/strict';
import { once } from 'node:events';
import { linkSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { askStatus, StatusSocket } from '../src/status-socket.js';

test("the socket is its owner's alone from the beginning, and takes the place of an old one", async (t) => {
  const path = join(temporaryFolder(t), 'a.sock');
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  // As one that was killed leaves it.
  const old = createServer().listen(path);
  await once(old, 'listening');
  linkSync(path, `${path}.left`);
  old.close();
  renameSync(`${path}.left`, path);
  const socket = new StatusSocket(path, () => ({ url: 'ws://a/?secret' }));
  const listening = socket.listen();
  // Before anybody could connect, and not only when it listens.
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await listening;
  assert.deepEqual(await askStatus(path), { url: 'ws://a/' });
  socket.close();
});

test('a file that is no socket is not removed for it', async (t) => {
  const path = join(temporaryFolder(t), 'precious');
  writeFileSync(path, 'kept');
  await assert.rejects(new StatusSocket(path, () => ({})).listen(), { code: 'EADDRINUSE' });
  assert.equal(readFileSync(path, 'utf8'), 'kept');
});
