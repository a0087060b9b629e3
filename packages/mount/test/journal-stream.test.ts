import assert from 'node:assert/strict';
import { openSync, fstatSync, closeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { isJournal, openJournal } from '../src/journal-stream.js';

void test('lines go to the journal under the name of the program', async (t) => {
  const path = join(temporaryFolder(t), 'stdout');
  let received = '';
  const server = createServer((socket) =>
    socket.on('data', (chunk: Buffer) => (received += chunk.toString())),
  );
  await new Promise<void>((resolve) => server.listen(path, resolve));
  undoAtEnd(t, () => {
    server.close();
  });
  const stream = await openJournal('k2hft', path);
  assert.ok(stream);
  stream.end('k2hft: mounted\n');
  await waitUntil('it arrives', () => received === 'k2hft\n\n6\n0\n0\n0\n0\nk2hft: mounted\n');
});

void test('where there is no journal there is no stream', async (t) => {
  assert.equal(await openJournal('k2hft', join(temporaryFolder(t), 'nothing')), undefined);
});

void test('a file is the journal when the environment names its device and inode', () => {
  const fd = openSync('/dev/null', 'r');
  const { dev, ino } = fstatSync(fd);
  assert.equal(isJournal(fd, { JOURNAL_STREAM: `${dev}:${ino}` }), true);
  assert.equal(isJournal(fd, { JOURNAL_STREAM: `${dev}:${ino + 1}` }), false);
  assert.equal(isJournal(fd, {}), false);
  closeSync(fd);
  assert.equal(isJournal(fd, { JOURNAL_STREAM: `${dev}:${ino}` }), false);
});
