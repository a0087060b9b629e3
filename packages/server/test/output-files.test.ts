import { strict as assert } from 'node:assert';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { OPEN_FILES_MAX } from '../src/output-files.js';
import { startServer } from './server-process.js';
import { SOURCE_A, SOURCE_B, SourceClient, type BatchToSend } from './source-client.js';

test('no name leads out of the output directory, and its lines are kept', async (context) => {
  const folder = temporaryFolder(context);
  const output = join(folder, 'output');
  const outside = join(folder, 'outside');
  mkdirSync(join(output, 'dir'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  symlinkSync(outside, join(output, 'link'));
  symlinkSync(outside, join(output, 'dir/link'));
  symlinkSync(join(outside, 'secret'), join(output, 'file'));
  writeFileSync(join(output, 'plain'), '');
  const server = await startServer(context, { folder });
  const client = await SourceClient.connect(server.url);
  const paths = [
    '../outside/secret',
    '/etc/k2hft-test',
    'a/../../outside/new',
    'a/..',
    '.',
    'a//b',
    'a/',
    'nul\0',
  ];
  paths.push('x'.repeat(300), 'y/'.repeat(3000), 'link/new', 'dir/link/new', 'file', 'plain/below', 'dir');
  paths.push('_refused/mine', '_refused', '_refused/%2Fetc%2Fk2hft-test/x');
  const batches = paths.map((path) => ({ path, payload: `${path.slice(0, 20)}\n` }));
  await client.deliver(1, ...batches);
  // Once more: each name is logged once only.
  await client.deliver(batches.length + 1, ...batches);
  assert.deepEqual(readdirSync(outside), ['secret']);
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  assert.deepEqual(readdirSync(folder).sort(), ['output', 'outside', 'state']);
  assert.deepEqual(readdirSync(output).sort(), ['_refused', 'dir', 'file', 'link', 'plain']);
  const refused = readdirSync(join(output, '_refused'));
  assert.equal(refused.length, paths.length);
  assert.equal(
    readFileSync(join(output, '_refused/%2Fetc%2Fk2hft-test'), 'utf8'),
    '/etc/k2hft-test\n'.repeat(2),
  );
  assert.equal(server.output().match(/refused to write/g)?.length, paths.length);
  assert.match(server.output(), /refused to write "nul\\x00"/);
});

test('a host cannot lead out of it either', async (context) => {
  const server = await startServer(context, {
    folder: temporaryFolder(context),
    output: { path: '{host}/{path}' },
  });
  const client = await SourceClient.connect(server.url);
  const hosts = ['..', '.', '', '../..', '/etc', 'a/b', 'good'];
  await client.deliver(1, ...hosts.map((host) => ({ host, payload: `${host}\n` })));
  assert.deepEqual(readdirSync(server.outputFolder).sort(), ['_refused', 'good']);
});

test('after mv and SIGHUP the lines go on in a new file', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder, output: { fsync: '500ms' } });
  const client = await SourceClient.connect(server.url);
  const log = join(server.outputFolder, 'a.log');
  await client.deliver(1, { payload: 'one\n' });
  renameSync(log, `${log}.1`);
  await client.deliver(2, { payload: 'two\n' });
  // In a group that is not safe yet when the signal comes.
  client.send({ sequence: 3, payload: 'three\n' });
  server.child.kill('SIGHUP');
  await server.printed(/SIGHUP/);
  await client.acknowledges(3);
  await client.deliver(4, { payload: 'four\n' });
  assert.equal(readFileSync(`${log}.1`, 'utf8') + readFileSync(log, 'utf8'), 'one\ntwo\nthree\nfour\n');
  assert.ok(readFileSync(log, 'utf8').endsWith('four\n'));
  server.child.kill('SIGKILL');
  await server.ended;
  const again = await startServer(context, { folder });
  assert.equal(readFileSync(`${log}.1`, 'utf8') + readFileSync(log, 'utf8'), 'one\ntwo\nthree\nfour\n');
  assert.ok(!again.output().includes('cut'));
});

test('bytes that a dead server did not acknowledge are cut back at the start, in a renamed file too', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { path: 'a.log', payload: 'one\n' }, { path: 'b.log', payload: 'open' });
  server.child.kill('SIGKILL');
  await server.ended;
  appendFileSync(join(server.outputFolder, 'a.log'), 'half a ba');
  appendFileSync(join(server.outputFolder, 'b.log'), ' end\n');
  renameSync(join(server.outputFolder, 'a.log'), join(server.outputFolder, 'a.log.1'));
  const again = await startServer(context, { folder });
  assert.equal(readFileSync(join(server.outputFolder, 'a.log.1'), 'utf8'), 'one\n');
  assert.equal(readFileSync(join(server.outputFolder, 'b.log'), 'utf8'), 'open');
  // The stream of the unfinished line goes on; another one gets a line of its own.
  const same = await SourceClient.connect(again.url);
  await same.deliver(3, { path: 'b.log', payload: ' end' });
  const other = await SourceClient.connect(again.url, SOURCE_B);
  await other.deliver(1, { path: 'b.log', payload: 'other\n' });
  assert.equal(readFileSync(join(server.outputFolder, 'b.log'), 'utf8'), 'open end\nother\n');
});

test('a file that others delete or cut while it is written is started anew', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder });
  const client = await SourceClient.connect(server.url);
  const log = join(server.outputFolder, 'a.log');
  await client.deliver(1, { payload: 'one\n' });
  unlinkSync(log);
  await client.deliver(2, { payload: 'two\n' });
  await server.printed(/a.log was renamed or removed/);
  await client.deliver(3, { payload: 'three\n' });
  assert.equal(readFileSync(log, 'utf8'), 'two\nthree\n');
  truncateSync(log);
  await client.deliver(4, { payload: 'four\n' });
  await client.deliver(5, { payload: 'five\n' });
  server.child.kill('SIGKILL');
  await server.ended;
  appendFileSync(log, 'not acknowledged');
  await startServer(context, { folder });
  assert.equal(readFileSync(log, 'utf8'), 'four\nfive\n');
});

test('more files than may be open at once', async (context) => {
  const server = await startServer(context, { folder: temporaryFolder(context) });
  const client = await SourceClient.connect(server.url);
  const count = OPEN_FILES_MAX + 100;
  const batches = Array.from({ length: count }, (_each, index): BatchToSend => {
    return { path: `${index % 10}/${index}.log`, stream: index, payload: `open ${index}` };
  });
  await client.deliver(1, ...batches);
  // Those that were closed in between still know whose unfinished line they end with.
  await client.deliver(count + 1, ...batches.map((batch) => ({ ...batch, payload: '!\n' })));
  for (let index = 0; index < count; index++) {
    assert.equal(
      readFileSync(join(server.outputFolder, `${index % 10}/${index}.log`), 'utf8'),
      `open ${index}!\n`,
    );
  }
  const open = readdirSync(`/proc/${server.pid}/fd`).length;
  assert.ok(open < OPEN_FILES_MAX + 60, `${open} open files`);
});

test('several sources write one file, formatted', async (context) => {
  const output = { path: 'unify.log', format: '%H %F(%P): %L', fsync: 'always' };
  const server = await startServer(context, { folder: temporaryFolder(context), output });
  const clients = [
    await SourceClient.connect(server.url, SOURCE_A),
    await SourceClient.connect(server.url, SOURCE_B),
  ];
  const lines = (index: number): BatchToSend[] =>
    Array.from({ length: 50 }, (_each, line) => ({ host: `h${index}`, payload: `line ${line}\n` }));
  await Promise.all(clients.map((client, index) => client.deliver(1, ...lines(index))));
  const written = readFileSync(join(server.outputFolder, 'unify.log'), 'utf8').trimEnd().split('\n');
  for (const index of [0, 1]) {
    const own = written.filter((line) => line.startsWith(`h${index} `));
    assert.deepEqual(
      own,
      lines(index).map((_each, line) => `h${index} a.log(42): line ${line}`),
    );
  }
});

test('without fsync the batches are acknowledged and remembered all the same', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder, output: { fsync: 'no' } });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { payload: 'one\n' }, { payload: 'two\n' });
  server.child.kill('SIGKILL');
  await server.ended;
  const again = await startServer(context, { folder, output: { fsync: 'no' } });
  const renewed = await SourceClient.connect(again.url);
  await renewed.deliver(2, { payload: 'two\n' }, { payload: 'three\n' });
  assert.equal(readFileSync(join(server.outputFolder, 'a.log'), 'utf8'), 'one\ntwo\nthree\n');
  assert.equal(existsSync(join(server.outputFolder, '_refused')), false);
});
