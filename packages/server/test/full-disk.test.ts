import { strict as assert } from 'node:assert';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sleep, temporaryFolder } from '@k2hft/test-harness';
import { configurationOf, runServer, startServer } from './server-process.js';
import { fill, smallDisk } from './small-disk.js';
import { SourceClient, type BatchToSend } from './source-client.js';

function lines(first: number, count: number, bytes: number): BatchToSend[] {
  return Array.from({ length: count }, (_each, index) => {
    const sequence = first + index;
    return { sequence, payload: `${sequence} ${'x'.repeat(bytes)}\n` };
  });
}

function countOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

test('a full disk stops the acknowledgements, and room lets them go on', async (context) => {
  const disk = smallDisk(context, 8);
  if (disk === undefined) return;
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder, output: { dir: join(disk, 'output') } });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, ...lines(1, 10, 100));
  const filler = fill(disk, 500_000);
  const batches = lines(11, 100, 20_000);
  // In messages of their own, so that reading stops somewhere in between.
  for (const batch of batches) client.send(batch);
  await client.told('full');
  await sleep(1500);
  assert.equal(countOf(server.output(), /nothing more is taken/g), 1);
  assert.ok(!client.acknowledged.has('1/110'));
  rmSync(filler);
  await client.acknowledges(110);
  await client.told('accepting');
  await server.printed(/nothing is in the way any more/);
  assert.equal(countOf(server.output(), /nothing is in the way any more/g), 1);
  const expected = [...lines(1, 10, 100), ...batches].map(({ payload }) => String(payload)).join('');
  assert.equal(readFileSync(join(disk, 'output/a.log'), 'utf8'), expected);
  // The connection was not lost over it.
  await client.deliver(111, { payload: 'after\n' });
});

test('a server that is killed on a full disk has lost and doubled nothing', async (context) => {
  const disk = smallDisk(context, 8);
  if (disk === undefined) return;
  const server = await startServer(context, { folder: disk });
  const client = await SourceClient.connect(server.url);
  const filler = fill(disk, 2_000_000);
  const batches = lines(1, 200, 20_000);
  for (const batch of batches) client.send(batch);
  await client.told('full');
  server.child.kill('SIGKILL');
  await server.ended;
  // A new server waits as well: opening its state on a full disk would end it.
  const again = runServer(context, ['--json', configurationOf({ folder: disk })]);
  await again.printed(/waiting until|listening/);
  rmSync(filler);
  await again.printed(/listening on \S+/);
  const renewed = await SourceClient.connect(/listening on (\S+)/.exec(again.output())?.[1] ?? '');
  renewed.send(...batches);
  await renewed.acknowledges(200);
  const expected = batches.map(({ payload }) => String(payload)).join('');
  assert.equal(readFileSync(join(disk, 'output/a.log'), 'utf8'), expected);
});

test('a full disk of the state only is waited for as well', async (context) => {
  const disk = smallDisk(context, 4);
  if (disk === undefined) return;
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder, top: { state_dir: join(disk, 'state') } });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { payload: 'one\n' });
  const filler = fill(disk, 0);
  client.send({ sequence: 2, payload: 'two\n' }, { sequence: 3, path: 'new.log', payload: 'new\n' });
  await client.told('full');
  await sleep(1200);
  assert.ok(!client.acknowledged.has('1/2'));
  rmSync(filler);
  await client.acknowledges(3);
  assert.equal(readFileSync(join(server.outputFolder, 'a.log'), 'utf8'), 'one\ntwo\n');
  assert.equal(readFileSync(join(server.outputFolder, 'new.log'), 'utf8'), 'new\n');
  assert.equal(countOf(server.output(), /nothing more is taken/g), 1);
});

test('a server on a full disk ends when it is told to', async (context) => {
  const disk = smallDisk(context, 4);
  if (disk === undefined) return;
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder, output: { dir: join(disk, 'output') } });
  const client = await SourceClient.connect(server.url);
  fill(disk, 0);
  client.send({ sequence: 1, payload: 'x'.repeat(10_000) });
  await client.told('full');
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  assert.ok(!client.acknowledged.has('1/1'));
});
