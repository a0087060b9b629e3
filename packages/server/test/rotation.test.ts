import { strict as assert } from 'node:assert';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { BatchFlag } from '@k2hft/wire';
import { freezeProcess, sleep, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { rotatedAmong } from '../src/rotate-name.js';
import { startServer } from './server-process.js';
import { SOURCE_A, SOURCE_B, SourceClient, type BatchToSend } from './source-client.js';

/** The rotated files of a name and the file itself, the oldest first. */
function filesOf(folder: string, name = 'a.log'): string[] {
  const rotated = rotatedAmong(name, readdirSync(folder)).map(({ segment }) => segment);
  return existsSync(join(folder, name)) ? [...rotated, name] : rotated;
}

function textOf(folder: string, segment: string): string {
  const bytes = readFileSync(join(folder, segment));
  return (segment.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}

function allText(folder: string, name = 'a.log'): string {
  return filesOf(folder, name)
    .map((segment) => textOf(folder, segment))
    .join('');
}

function line(number: number, bytes = 100): string {
  return `${String(number).padEnd(bytes - 1, '.')}\n`;
}

function lines(first: number, count: number): BatchToSend[] {
  return Array.from({ length: count }, (_each, index) => ({ payload: line(first + index) }));
}

function textOfLines(first: number, count: number): string {
  return lines(first, count)
    .map(({ payload }) => String(payload))
    .join('');
}

test('a file is rotated before it would be larger than its size, and only between batches', async (context) => {
  const rotate = { size: 1000, compress: false, keep: 100 };
  const server = await startServer(context, { folder: temporaryFolder(context), output: { rotate } });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, ...lines(1, 95));
  const files = filesOf(server.outputFolder);
  assert.equal(files.length, 10);
  for (const file of files.slice(0, -1)) assert.equal(textOf(server.outputFolder, file).length, 1000);
  assert.equal(allText(server.outputFolder), textOfLines(1, 95));
  // One that is larger alone has a file for itself.
  await client.deliver(96, { payload: line(96, 5000) }, { payload: line(97) });
  const sizes = filesOf(server.outputFolder).map((file) => textOf(server.outputFolder, file).length);
  assert.deepEqual(sizes.slice(-3), [500, 5000, 100]);
});

test('rotated files are compressed with mode, owner and time kept, and the oldest are removed', async (context) => {
  const folder = temporaryFolder(context);
  const rotate = { size: 1000, keep: 3 };
  const server = await startServer(context, { folder, output: { rotate, path: 'dir/{path}' } });
  const client = await SourceClient.connect(server.url);
  const output = join(server.outputFolder, 'dir');
  await client.deliver(1, ...lines(1, 1));
  chmodSync(join(output, 'a.log'), 0o604);
  await client.deliver(2, ...lines(2, 69));
  await waitUntil('three compressed files', () => {
    const rotated = filesOf(output).slice(0, -1);
    return rotated.length === 3 && rotated.every((segment) => segment.endsWith('.gz'));
  });
  assert.equal(allText(output), textOfLines(31, 40));
  for (const segment of readdirSync(output))
    assert.equal(statSync(join(output, segment)).mode & 0o777, 0o604);
});

test('the time rotates files that are written and files that are not, but no empty ones', async (context) => {
  const rotate = { every: '1s', compress: false };
  const server = await startServer(context, { folder: temporaryFolder(context), output: { rotate } });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { payload: 'one\n' }, { path: 'b.log', payload: 'b\n' });
  await waitUntil('the rotation of both', () => {
    return ['a.log', 'b.log'].every((name) => !existsSync(join(server.outputFolder, name)));
  });
  await client.deliver(3, { payload: 'two\n' });
  await sleep(2500);
  // Nothing is renamed while it is read.
  await freezeProcess(server.pid);
  assert.equal(allText(server.outputFolder), 'one\ntwo\n');
  assert.equal(filesOf(server.outputFolder).length, 2);
  assert.equal(filesOf(server.outputFolder, 'b.log').length, 1);
});

test('what became due while the server was away is rotated with the first write', async (context) => {
  const folder = temporaryFolder(context);
  const output = join(folder, 'output');
  mkdirSync(output);
  writeFileSync(join(output, 'a.log'), 'old\n');
  const first = await startServer(context, {
    folder,
    output: { rotate: { every: '365d', compress: false } },
  });
  const client = await SourceClient.connect(first.url);
  await client.deliver(1, { payload: 'new\n' });
  assert.deepEqual(filesOf(output), ['a.log']);
  first.child.kill('SIGKILL');
  await first.ended;
  utimesSync(join(output, 'a.log'), 1, 1);
  await sleep(1000);
  const second = await startServer(context, { folder, output: { rotate: { every: '1s', compress: false } } });
  const again = await SourceClient.connect(second.url);
  await again.deliver(2, { payload: 'newer\n' });
  await waitUntil('the rotation', () => filesOf(output).length >= 2);
  // Nothing is renamed while it is read.
  await freezeProcess(second.pid);
  assert.equal(textOf(output, filesOf(output)[0] ?? ''), 'old\nnew\n');
  assert.equal(allText(output), 'old\nnew\nnewer\n');
});

test('a line that is not finished is not split over two files', async (context) => {
  const rotate = { size: 1000, compress: false };
  const server = await startServer(context, { folder: temporaryFolder(context), output: { rotate } });
  const client = await SourceClient.connect(server.url);
  const open = (payload: string): BatchToSend => ({ stream: 7, payload, flags: BatchFlag.ENDS_OPEN });
  await client.deliver(1, open('x'.repeat(900)));
  await client.deliver(
    2,
    open('y'.repeat(900)),
    open('z'.repeat(900)),
    { stream: 7, payload: 'end\n' },
    ...lines(1, 3),
  );
  const text = `${'x'.repeat(900)}${'y'.repeat(900)}${'z'.repeat(900)}end\n`;
  assert.deepEqual(
    filesOf(server.outputFolder).map((segment) => textOf(server.outputFolder, segment)),
    [text, textOfLines(1, 3)],
  );
});

test('a line whose writer ends it with nothing more keeps no file from being rotated', async (context) => {
  const rotate = { size: 1000, compress: false };
  const server = await startServer(context, { folder: temporaryFolder(context), output: { rotate } });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { stream: 7, payload: 'x'.repeat(990), flags: BatchFlag.ENDS_OPEN });
  await client.deliver(2, { stream: 7, flags: BatchFlag.STREAM_END });
  await client.deliver(3, ...lines(1, 1));
  assert.deepEqual(
    filesOf(server.outputFolder).map((segment) => textOf(server.outputFolder, segment)),
    ['x'.repeat(990), textOfLines(1, 1)],
  );
});

test('a stream that has ended is not gone on with, also after the server was started again', async (context) => {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { stream: 7, payload: 'one', flags: BatchFlag.ENDS_OPEN });
  server.child.kill('SIGKILL');
  await server.ended;
  const second = await startServer(context, { folder });
  const again = await SourceClient.connect(second.url);
  await again.deliver(2, { stream: 7, flags: BatchFlag.STREAM_END });
  await again.deliver(3, { path: 'never.log', stream: 8, flags: BatchFlag.STREAM_END });
  second.child.kill('SIGKILL');
  await second.ended;
  const third = await startServer(context, { folder });
  const last = await SourceClient.connect(third.url);
  await last.deliver(4, { stream: 7, payload: 'two\n' });
  assert.equal(textOf(third.outputFolder, 'a.log'), 'one\ntwo\n');
  assert.ok(!existsSync(join(third.outputFolder, 'never.log')));
});

test('a binary chunk is not split either', async (context) => {
  const rotate = { size: 1000, compress: false };
  const server = await startServer(context, { folder: temporaryFolder(context), output: { rotate } });
  const client = await SourceClient.connect(server.url);
  const chunk = (payload: string, flags = 0): BatchToSend => ({ payload, flags: BatchFlag.BINARY | flags });
  const { ENDS_OPEN } = BatchFlag;
  await client.deliver(1, chunk('x'.repeat(900), ENDS_OPEN), chunk('y'.repeat(900)), chunk('z'));
  assert.deepEqual(
    filesOf(server.outputFolder).map((segment) => textOf(server.outputFolder, segment).length),
    [1800, 1],
  );
});

test('several sources write one file for all, and no line is lost or split when it is rotated', async (context) => {
  const output = { path: 'log/unify.log', format: '%H %L', rotate: { size: 2000, keep: 1000 } };
  const server = await startServer(context, { folder: temporaryFolder(context), output });
  const clients = [
    await SourceClient.connect(server.url, SOURCE_A),
    await SourceClient.connect(server.url, SOURCE_B),
  ];
  await Promise.all(
    clients.map((client, index) =>
      client.deliver(1, ...lines(1, 200).map((batch) => ({ ...batch, host: `h${index}` }))),
    ),
  );
  const folder = join(server.outputFolder, 'log');
  await waitUntil('the compression of all but the last', () =>
    filesOf(folder, 'unify.log').every((segment) => segment.endsWith('.gz') || segment === 'unify.log'),
  );
  const written = allText(folder, 'unify.log').trimEnd().split('\n');
  for (const index of [0, 1]) {
    const own = written.filter((each) => each.startsWith(`h${index} `));
    assert.equal(own.map((each) => `${each.slice(3)}\n`).join(''), textOfLines(1, 200));
  }
  assert.equal(written.length, 400);
});

test('a file that a source names like a rotated one is left alone', async (context) => {
  const rotate = { size: 1000, keep: 1 };
  const server = await startServer(context, { folder: temporaryFolder(context), output: { rotate } });
  const client = await SourceClient.connect(server.url);
  const names = ['a.log.20000101-000000', 'a.log.20000101-000001.gz', 'a.log.20000101-000001'];
  await client.deliver(1, ...names.map((path) => ({ path, payload: `${path}\n` })));
  await client.deliver(4, ...lines(1, 40));
  await waitUntil('one compressed file', () => {
    const rotated = filesOf(server.outputFolder).filter((segment) => segment.startsWith('a.log.202'));
    return rotated.length === 1 && rotated[0]?.endsWith('.gz') === true;
  });
  for (const name of names) assert.equal(readFileSync(join(server.outputFolder, name), 'utf8'), `${name}\n`);
});

test('a rotation that the system does not allow is told once, and the lines go on in the old file', async (context) => {
  const server = await startServer(context, {
    folder: temporaryFolder(context),
    output: { rotate: { size: 1000, compress: false } },
  });
  const client = await SourceClient.connect(server.url);
  const path = 'n'.repeat(250);
  await client.deliver(1, ...lines(1, 35).map((batch) => ({ ...batch, path })));
  assert.deepEqual(readdirSync(server.outputFolder), [path]);
  assert.equal(readFileSync(join(server.outputFolder, path), 'utf8'), textOfLines(1, 35));
  await server.printed(/cannot rotate n+: its name is too long/);
  assert.equal(server.output().match(/cannot rotate n+: its name is too long/g)?.length, 1);
});

test('a file that another program renames is followed by a new one at the next write', async (context) => {
  const server = await startServer(context, {
    folder: temporaryFolder(context),
    output: { path: 'dir/{path}' },
  });
  const client = await SourceClient.connect(server.url);
  const log = join(server.outputFolder, 'dir/a.log');
  await client.deliver(1, { payload: 'one\n' });
  renameSync(log, `${log}.1`);
  await client.deliver(2, { payload: 'two\n' });
  assert.equal(readFileSync(`${log}.1`, 'utf8'), 'one\n');
  assert.equal(readFileSync(log, 'utf8'), 'two\n');
  // Another file in its place, and another directory.
  renameSync(log, `${log}.2`);
  writeFileSync(log, 'theirs\n');
  await client.deliver(3, { payload: 'three\n' });
  assert.equal(readFileSync(log, 'utf8'), 'theirs\nthree\n');
  renameSync(join(server.outputFolder, 'dir'), join(server.outputFolder, 'old'));
  await client.deliver(4, { payload: 'four\n' });
  assert.equal(readFileSync(log, 'utf8'), 'four\n');
  assert.equal(readFileSync(join(server.outputFolder, 'old/a.log.2'), 'utf8'), 'two\n');
});
