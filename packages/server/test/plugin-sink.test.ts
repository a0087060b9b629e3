import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadServerSettings } from '@k2hft/config';
import { childrenOf, hasEnded, temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { BatchFlag, decodeBatch, type Batch } from '@k2hft/wire';
import { PluginSink, type PluginSinkTuning } from '../src/plugin-sink.js';
import type { SinkWait } from '../src/sink.js';
import { configurationOf, runServer, startServer } from './server-process.js';
import { makeBatch, SOURCE_A, SOURCE_B, SourceClient, type BatchToSend } from './source-client.js';

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

function batchOf(batch: BatchToSend): Batch {
  return decodeBatch(makeBatch(batch), 0);
}

interface Opened {
  sink: PluginSink;
  folder: string;
  log: string[];
  blocked: (string | undefined)[];
  save: () => Promise<void>;
}

function open(
  context: TestContext,
  output: Record<string, unknown>,
  tuning: Partial<PluginSinkTuning> = {},
  folder = temporaryFolder(context),
): Opened {
  const settings = loadServerSettings({ json: configurationOf({ folder, output }) });
  const log: string[] = [];
  const blocked: (string | undefined)[] = [];
  assert.ok(settings.output?.plugin !== undefined);
  const sink = new PluginSink(
    { ...settings.output, plugin: settings.output.plugin },
    (level, message) => log.push(`${level}: ${message}`),
    {
      plugin: { backoffMinMs: 10, backoffMaxMs: 50, watchMs: 20, termMs: 200 },
      stalledAfterMs: 100,
      ...tuning,
    },
  );
  undoAtEnd(context, () => sink.close());
  const stopping = new AbortController();
  undoAtEnd(context, () => {
    stopping.abort();
  });
  const wait: SinkWait = {
    signal: stopping.signal,
    blocked: (reason) => {
      if (reason !== blocked.at(-1)) blocked.push(reason);
    },
  };
  return { sink, folder, log, blocked, save: () => sink.save(wait) };
}

void test('a plugin gets the lines in order, as the format says', async (t) => {
  const folder = temporaryFolder(t);
  const { sink, save } = open(
    t,
    { format: '%H %F: %L', plugin: ['sh', '-c', `cat > ${folder}/out`] },
    {},
    folder,
  );
  sink.take(batchOf({ path: 'a.log', payload: 'one\ntwo\n' }), SOURCE_A);
  sink.take(batchOf({ path: 'a.log', payload: 'op', sequence: 2 }), SOURCE_A);
  sink.take(batchOf({ path: 'a.log', payload: 'en\n', sequence: 3 }), SOURCE_A);
  sink.take(batchOf({ path: 'b.log', payload: 'cut', sequence: 4 }), SOURCE_A);
  sink.take(batchOf({ path: 'c.log', payload: 'other\n' }), SOURCE_B);
  sink.take(batchOf({ path: 'c.log', payload: '' }), SOURCE_B);
  await save();
  await sink.close();
  assert.equal(
    read(`${folder}/out`),
    'host1 a.log: one\nhost1 a.log: two\nhost1 a.log: open\nhost1 b.log: cut\nhost1 c.log: other\n',
  );
});

void test('while the plugin does not read, save() waits and says so; nothing else waits', async (t) => {
  const folder = temporaryFolder(t);
  const { sink, save, blocked } = open(
    t,
    { plugin: ['sh', '-c', `while [ ! -e ${folder}/go ]; do sleep 0.02; done; cat > ${folder}/out`] },
    {},
    folder,
  );
  const line = `${'x'.repeat(999)}\n`;
  for (let number = 0; number < 500; number++)
    sink.take(batchOf({ payload: line, sequence: number + 1 }), SOURCE_A);
  let isSaved = false;
  const saved = () => isSaved;
  const saving = save().then(() => (isSaved = true));
  await waitUntil('it is said', () => blocked.length > 0);
  assert.match(blocked[0] ?? '', /^plugin sh: does not read its standard input$/);
  assert.ok(!saved() && sink.waitingBytes > 300_000, `${sink.waitingBytes} bytes wait`);
  writeFileSync(`${folder}/go`, '');
  await saving;
  await sink.close();
  assert.equal(read(`${folder}/out`), line.repeat(500));
});

void test('save() waits for what was taken before it, not for what comes later', async (t) => {
  const folder = temporaryFolder(t);
  const { sink, save } = open(t, { plugin: ['sh', '-c', 'kill -STOP $$$$; cat'] }, { graceMs: 0 }, folder);
  sink.take(batchOf({ payload: 'first\n' }), SOURCE_A);
  const saving = save();
  for (let number = 0; number < 200; number++)
    sink.take(batchOf({ payload: `${'x'.repeat(999)}\n` }), SOURCE_A);
  await saving;
  assert.ok(sink.waitingBytes > 0);
});

void test('a plugin that is not there is named as the reason', async (t) => {
  const folder = temporaryFolder(t);
  const { sink, save, blocked } = open(t, { plugin: ['no-such-program-anywhere'] }, {}, folder);
  sink.take(batchOf({ payload: 'line\n' }), SOURCE_A);
  const saving = save().catch(() => undefined);
  await waitUntil('it is said', () => blocked.length > 0);
  assert.match(blocked[0] ?? '', /^plugin no-such-program-anywhere: cannot start .* ENOENT$/);
  t.after(() => saving);
});

void test('what the plugin prints takes the place of the lines: one process for each file', async (t) => {
  const { sink, save, folder } = open(t, {
    path: '{host}/{path}',
    plugin: ['sed', '-u', 's/secret/***/'],
    plugin_stdout: 'file',
  });
  sink.take(batchOf({ path: 'a.log', payload: 'a secret\n' }), SOURCE_A);
  sink.take(batchOf({ path: 'deep/b.log', payload: 'b secret\n' }), SOURCE_A);
  sink.take(batchOf({ path: '../outside.log', payload: 'bad secret\n' }), SOURCE_A);
  sink.take(batchOf({ path: 'a.log', payload: 'no more\n' }), SOURCE_A);
  await save();
  await sink.close();
  assert.equal(read(join(folder, 'output/host1/a.log')), 'a ***\nno more\n');
  assert.equal(read(join(folder, 'output/host1/deep/b.log')), 'b ***\n');
  assert.equal(read(join(folder, 'output/_refused/host1%2F..%2Foutside.log')), 'bad ***\n');
});

void test('a name that the file system refuses goes to quarantine and stops nobody', async (t) => {
  const { sink, save, folder, log } = open(t, { plugin: ['cat'], plugin_stdout: 'file' });
  mkdirSync(join(folder, 'output/taken'));
  sink.take(batchOf({ path: 'taken', payload: 'line\n' }), SOURCE_A);
  await save();
  await sink.close();
  assert.equal(read(join(folder, 'output/_refused/taken')), 'line\n');
  assert.ok(log.some((text) => text.includes('refused to write "taken"')));
});

void test('a file that is renamed is followed by a new one, and nothing is lost', async (t) => {
  const { sink, save, folder } = open(t, { plugin: ['cat'], plugin_stdout: 'file' });
  const file = join(folder, 'output/a.log');
  sink.take(batchOf({ payload: 'one\n' }), SOURCE_A);
  await save();
  await waitUntil('it is there', () => read(file) === 'one\n');
  renameSync(file, `${file}.1`);
  await waitUntil('there is a new one', () => existsSync(file));
  sink.take(batchOf({ payload: 'two\n' }), SOURCE_A);
  await save();
  await waitUntil('it is there', () => read(file) === 'two\n');
});

void test('there are more files than processes, and each gets its lines in order', async (t) => {
  const { sink, save, folder } = open(t, { plugin: ['cat'], plugin_stdout: 'file' }, { processesMax: 3 });
  for (let number = 0; number < 60; number++) {
    sink.take(
      batchOf({ path: `${number % 12}.log`, payload: `${number}\n`, sequence: number + 1 }),
      SOURCE_A,
    );
  }
  await save();
  await sink.close();
  assert.equal(sink.waitingBytes, 0);
  for (let file = 0; file < 12; file++) {
    const wanted = [0, 12, 24, 36, 48].map((offset) => `${file + offset}\n`).join('');
    assert.equal(read(join(folder, `output/${file}.log`)), wanted);
  }
});

void test('binary data is given as it is', async (t) => {
  const { sink, save, folder } = open(t, { plugin: ['cat'], plugin_stdout: 'file' });
  sink.take(batchOf({ payload: 'a\n\0b', flags: BatchFlag.BINARY }), SOURCE_A);
  sink.take(batchOf({ payload: 'c', flags: BatchFlag.BINARY }), SOURCE_A);
  await save();
  await sink.close();
  assert.equal(read(join(folder, 'output/a.log')), 'a\n\0bc');
});

void test('a server with a plugin writes its files as well, and ends the plugin with itself', async (t) => {
  const folder = temporaryFolder(t);
  const server = await startServer(t, {
    folder,
    output: {
      plugin: ['sh', '-c', `echo $$$$ > ${folder}/pid; cat > ${folder}/fed; echo end >> ${folder}/fed`],
    },
    top: { shutdown_timeout: '4m' },
  });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { payload: 'one\n' }, { payload: 'two\n' });
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  assert.equal(read(join(folder, 'output/a.log')), 'one\ntwo\n');
  assert.equal(read(`${folder}/fed`), 'one\ntwo\nend\n');
  assert.ok(hasEnded(Number(read(`${folder}/pid`))));
});

void test('a server has files, a plugin and a relay at once', async (t) => {
  const folder = temporaryFolder(t);
  const end = await startServer(t, { folder: join(folder, 'end') });
  const relay = { queue: { dir: join(folder, 'queue'), min_free: '1%' }, servers: { urls: [end.url] } };
  const server = await startServer(t, {
    folder,
    output: { plugin: ['sh', '-c', `cat > ${folder}/fed`] },
    top: { relay },
  });
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { payload: 'one\n' }, { payload: 'two\n' });
  const lines = 'one\ntwo\n';
  await waitUntil('it is everywhere', () => {
    const files = [join(folder, 'output/a.log'), join(end.outputFolder, 'a.log'), `${folder}/fed`];
    return files.every((file) => read(file) === lines);
  });
});

void test('a server that cannot listen ends its plugin', async (t) => {
  const folder = temporaryFolder(t);
  const other = await startServer(t, { folder: join(folder, 'other') });
  const json = configurationOf({
    folder,
    port: Number(new URL(other.url).port),
    output: { plugin: ['sh', '-c', `echo $$$$ > ${folder}/pid; exec sleep 100000`] },
  });
  const server = runServer(t, ['--json', json]);
  assert.equal(await server.ended, 69);
  const pid = read(`${folder}/pid`).trim();
  assert.ok(pid === '' || hasEnded(Number(pid)));
});

void test('a server whose plugin stalls tells the sources, and ends all the same', async (t) => {
  const folder = temporaryFolder(t);
  const server = await startServer(t, {
    folder,
    output: { plugin: ['sh', '-c', `echo $$$$ > ${folder}/pid; trap '' TERM; while :; do sleep 1; done`] },
    top: { shutdown_timeout: '2s' },
  });
  const client = await SourceClient.connect(server.url);
  for (let number = 1; number <= 300; number++)
    client.send({ sequence: number, payload: `${'x'.repeat(999)}\n` });
  await waitUntil('the source is told', () =>
    client.messages('status').some(({ state, reason }) => state === 'full' && reason.includes('plugin sh')),
  );
  assert.ok(client.acknowledged.size < 300);
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  await waitUntil('the plugin has ended', () => hasEnded(Number(read(`${folder}/pid`))));
});

void test('across kills of the server, the plugin gets each line at least once, and its files are not cut', async (t) => {
  const folder = temporaryFolder(t);
  const output = { plugin: ['cat'], plugin_stdout: 'file' };
  let server = await startServer(t, { folder, output });
  const sent: string[] = [];
  for (let round = 0; round < 4; round++) {
    const client = await SourceClient.connect(server.url);
    for (let number = 0; number < 50; number++) {
      const payload = `${round} ${number}\n`;
      sent.push(payload);
      client.send({ sequence: sent.length, payload });
    }
    await waitUntil('some are acknowledged', () => client.acknowledged.size > 0);
    const plugins = childrenOf(server.pid);
    server.child.kill('SIGKILL');
    await server.ended;
    // What its pipe holds comes before what the next one is given.
    await waitUntil('the plugin has ended', () => plugins.every(hasEnded));
    server = await startServer(t, { folder, output });
    // What was not acknowledged comes again.
    const again = await SourceClient.connect(server.url);
    const missing = sent
      .map((payload, index) => ({ payload, sequence: index + 1 }))
      .filter(({ sequence }) => sequence > sent.length - 50 && !client.acknowledged.has(`1/${sequence}`));
    for (const batch of missing) again.send(batch);
    for (const { sequence } of missing) await again.acknowledges(sequence);
    again.close();
  }
  server.child.kill('SIGTERM');
  await server.ended;
  const got = read(join(folder, 'output/a.log')).split(/(?<=\n)/);
  const order = [...new Set(got)];
  assert.deepEqual(order, sent, 'each line came, and the first times in order');
});

void test('what a server wrote itself is cut back once, and then belongs to the plugin', async (t) => {
  const folder = temporaryFolder(t);
  const first = await startServer(t, { folder });
  const client = await SourceClient.connect(first.url);
  await client.deliver(1, { payload: 'one\n' });
  first.child.kill('SIGTERM');
  await first.ended;
  for (const sequence of [2, 3]) {
    const server = await startServer(t, { folder, output: { plugin: ['cat'], plugin_stdout: 'file' } });
    const source = await SourceClient.connect(server.url);
    await source.deliver(sequence, { payload: `${sequence}\n` });
    server.child.kill('SIGTERM');
    await server.ended;
  }
  assert.equal(read(join(folder, 'output/a.log')), 'one\n2\n3\n');
});
