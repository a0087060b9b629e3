import { strict as assert } from 'node:assert';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { startServer } from './server-process.js';
import { SOURCE_B, SourceClient } from './source-client.js';

test('a line arrives in the file of its path and is acknowledged', async (context) => {
  const server = await startServer(context, { folder: temporaryFolder(context) });
  const client = await SourceClient.connect(server.url);
  await client.deliver(
    1,
    { path: 'sub/dir/a.log', payload: 'one\ntwo\n' },
    { path: 'b.log', payload: 'three\n' },
  );
  assert.equal(readFileSync(join(server.outputFolder, 'sub/dir/a.log'), 'utf8'), 'one\ntwo\n');
  assert.equal(readFileSync(join(server.outputFolder, 'b.log'), 'utf8'), 'three\n');
  assert.equal(statSync(join(server.outputFolder, 'b.log')).mode & 0o777, 0o640);
  assert.equal(statSync(join(server.outputFolder, 'sub')).mode & 0o777, 0o750);
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  await client.told('draining');
});

test('permissions of output files are those of the settings, whatever the umask is', async (context) => {
  const before = process.umask(0o077);
  const server = await startServer(context, { folder: temporaryFolder(context), output: { mode: '0664' } });
  process.umask(before);
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { path: 'sub/a.log', payload: 'one\n' });
  assert.equal(statSync(join(server.outputFolder, 'sub/a.log')).mode & 0o777, 0o664);
  assert.equal(statSync(join(server.outputFolder, 'sub')).mode & 0o777, 0o775);
});

test('a batch that comes again is acknowledged and not written again', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder });
  const old = await SourceClient.connect(server.url);
  const renewed = await SourceClient.connect(server.url);
  // In the same group, over two connections of one source.
  old.send({ sequence: 1, payload: 'one\n' }, { sequence: 2, payload: 'two\n' });
  renewed.send(
    { sequence: 1, payload: 'one\n' },
    { sequence: 2, payload: 'two\n' },
    { sequence: 3, payload: 'three\n' },
  );
  await Promise.all([old.acknowledges(2), renewed.acknowledges(3)]);
  // After it was committed.
  await renewed.deliver(2, { payload: 'two\n' });
  // Below the floor, though it was never seen here.
  renewed.tell({ type: 'floor', epoch: 1, sequence: 10 });
  await renewed.deliver(9, { payload: 'nine\n' });
  // After a restart.
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  const again = await startServer(context, { folder });
  const client = await SourceClient.connect(again.url);
  await client.deliver(2, { payload: 'two\n' }, { payload: 'three\n' });
  // Another epoch has sequences of its own, and so has another source.
  client.send({ epoch: 2, sequence: 1, payload: 'epoch two\n' });
  await client.acknowledges(1, 2);
  const other = await SourceClient.connect(again.url, SOURCE_B);
  await other.deliver(1, { payload: 'other\n' });
  assert.equal(
    readFileSync(join(server.outputFolder, 'a.log'), 'utf8'),
    'one\ntwo\nthree\nepoch two\nother\n',
  );
});
