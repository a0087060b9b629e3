import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { configurationOf, runServer, startServer, type RunningServer } from './server-process.js';
import { SOURCE_A, SourceClient } from './source-client.js';

function relayTo(
  folder: string,
  urls: string[],
  queue: Record<string, unknown> = {},
): Record<string, unknown> {
  return { relay: { queue: { dir: join(folder, 'queue'), min_free: 0, ...queue }, servers: { urls } } };
}

/** Its port is not given to anybody else while it is not running. */
async function startRelay(
  context: TestContext,
  folder: string,
  urls: string[],
  more: { queue?: Record<string, unknown>; port?: number } = {},
): Promise<RunningServer> {
  const { queue, port = await freePort() } = more;
  return startServer(context, { folder, port, noOutput: true, top: relayTo(folder, urls, queue) });
}

function portOf({ url }: RunningServer): number {
  return Number(new URL(url).port);
}

async function arrives(file: string, expected: string): Promise<void> {
  const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await waitUntil(`${JSON.stringify(expected)} in ${file}`, () => read() === expected).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}; there is ${JSON.stringify(read())}`);
    },
  );
}

test('a batch goes through two relays and is the origin’s in the end', async (context) => {
  const folder = temporaryFolder(context);
  const end = await startServer(context, {
    folder: join(folder, 'end'),
    output: { format: '%H %P %U %F %T %L', time_format: '%s.%-' },
  });
  const second = await startRelay(context, join(folder, 'second'), [end.url]);
  const first = await startRelay(context, join(folder, 'first'), [second.url]);
  const client = await SourceClient.connect(first.url);
  await client.deliver(1, { payload: 'one\n' }, { payload: 'two\n', host: 'host2', pid: 7 });
  await arrives(
    join(end.outputFolder, 'a.log'),
    'host1 42 1000 a.log 1700000000.000000005 one\nhost2 7 1000 a.log 1700000000.000000005 two\n',
  );
  for (const server of [first, second, end]) {
    server.child.kill('SIGTERM');
    assert.equal(await server.ended, 0, server.output());
  }
});

test('a relay keeps what it has acknowledged when it is killed, and takes nothing twice', async (context) => {
  const folder = temporaryFolder(context);
  const end = await startServer(context, { folder: join(folder, 'end'), port: await freePort() });
  end.child.kill('SIGKILL');
  await end.ended;
  const relay = await startRelay(context, join(folder, 'relay'), [end.url]);
  const client = await SourceClient.connect(relay.url);
  await client.deliver(1, { payload: 'one\n' }, { payload: 'unfin' });
  client.send({ sequence: 3, payload: 'ished\n' });
  relay.child.kill('SIGKILL');
  await relay.ended;
  const again = await startRelay(context, join(folder, 'relay'), [end.url]);
  const renewed = await SourceClient.connect(again.url);
  await renewed.deliver(1, { payload: 'one\n' }, { payload: 'unfin' }, { payload: 'ished\n' });
  // Another stream in the same file, and a line whose halves go through different lives of the relay, are no reason for a newline.
  await startServer(context, { folder: join(folder, 'end'), port: portOf(end) });
  await arrives(join(end.outputFolder, 'a.log'), 'one\nunfinished\n');
});

test('a line whose halves go through different relays stays whole', async (context) => {
  const folder = temporaryFolder(context);
  const end = await startServer(context, { folder: join(folder, 'end') });
  const file = join(end.outputFolder, 'a.log');
  const relays = [
    await startRelay(context, join(folder, 'first'), [end.url]),
    await startRelay(context, join(folder, 'second'), [end.url]),
  ];
  let text = '';
  for (const [index, { url }] of relays.entries()) {
    const client = await SourceClient.connect(url);
    await client.deliver(index + 1, { payload: `half ${index} ` });
    text += `half ${index} `;
    await arrives(file, text);
  }
  const other = await SourceClient.connect(relays[0]?.url ?? '', '00000000-0000-4000-8000-00000000000b');
  await other.deliver(1, { payload: 'of another source\n' });
  await arrives(file, `${text}\nof another source\n`);
});

test('with output and relay, a batch is in the files and goes on', async (context) => {
  const folder = temporaryFolder(context);
  const end = await startServer(context, { folder: join(folder, 'end') });
  const both = await startServer(context, {
    folder: join(folder, 'both'),
    top: relayTo(join(folder, 'both'), [end.url]),
  });
  const client = await SourceClient.connect(both.url);
  await client.deliver(1, { payload: 'one\n' });
  assert.equal(readFileSync(join(both.outputFolder, 'a.log'), 'utf8'), 'one\n');
  await arrives(join(end.outputFolder, 'a.log'), 'one\n');
});

test('relays in a circle are refused, the batch is kept, and goes on when the circle is cut', async (context) => {
  const folder = temporaryFolder(context);
  const end = await startServer(context, { folder: join(folder, 'end') });
  // Its port is known only when it runs, so it begins with another destination.
  const first = await startRelay(context, join(folder, 'first'), ['ws://127.0.0.1:9']);
  const second = await startRelay(context, join(folder, 'second'), [first.url]);
  first.child.kill('SIGTERM');
  await first.ended;
  const closed = await startRelay(context, join(folder, 'first'), [second.url], { port: portOf(first) });
  const client = await SourceClient.connect(closed.url);
  await client.deliver(1, { payload: 'one\n' }, { payload: 'two\n' });
  await second.printed(/the server refuses: .* comes back: .*servers\.urls.* \(loop\)/);
  second.child.kill('SIGTERM');
  assert.equal(await second.ended, 0);
  assert.equal(second.output().match(/\(loop\)/g)?.length, 1);
  await startRelay(context, join(folder, 'second'), [end.url], { port: portOf(second) });
  await arrives(join(end.outputFolder, 'a.log'), 'one\ntwo\n');
});

test('a relay that would send to itself says so', async (context) => {
  const folder = temporaryFolder(context);
  const first = await startRelay(context, folder, ['ws://127.0.0.1:9']);
  first.child.kill('SIGTERM');
  await first.ended;
  const self = await startRelay(context, folder, [first.url], { port: portOf(first) });
  await self.printed(/this relay sends to itself/);
  self.child.kill('SIGTERM');
  assert.equal(await self.ended, 0);
});

test('a full relay tells its sources, takes nothing, and loses nothing', async (context) => {
  const folder = temporaryFolder(context);
  const end = await startServer(context, { folder: join(folder, 'end'), port: await freePort() });
  end.child.kill('SIGKILL');
  await end.ended;
  const relay = await startRelay(context, join(folder, 'relay'), [end.url], { queue: { max_size: '4MiB' } });
  const client = await SourceClient.connect(relay.url);
  const line = `${'x'.repeat(256 * 1024 - 1)}\n`;
  const count = 40;
  for (let sequence = 1; sequence <= count; sequence++) client.send({ sequence, payload: line });
  await client.told('full');
  assert.match(client.messages('status').at(-1)?.reason ?? '', /the relay's queue .* is full/);
  assert.ok(client.acknowledged.size < count);
  await startServer(context, { folder: join(folder, 'end'), port: portOf(end) });
  await client.acknowledges(count);
  await arrives(join(end.outputFolder, 'a.log'), line.repeat(count));
  await client.told('accepting');
});

test('a queue that another relay has is not touched', async (context) => {
  const folder = temporaryFolder(context);
  await startRelay(context, join(folder, 'one'), ['ws://127.0.0.1:9']);
  const second = runServer(context, [
    '--json',
    JSON.stringify({
      listen: 'ws://127.0.0.1:0',
      state_dir: join(folder, 'state'),
      ...relayTo(join(folder, 'one'), ['ws://127.0.0.1:9']),
    }),
  ]);
  assert.equal(await second.ended, 69);
  assert.match(second.output(), /relay\.queue: .* is in use by process \d+ \(k2hft-svr, as a relay\)/);
});

test('SIGHUP changes the servers of a relay, and refuses what cannot change', async (context) => {
  const folder = temporaryFolder(context);
  const [first, second] = await Promise.all(
    ['first', 'second'].map((name) => startServer(context, { folder: join(folder, name) })),
  );
  assert(first && second);
  const file = join(folder, 'relay.json');
  const configure = (urls: string[], top: Record<string, unknown> = {}) => {
    const relaying = relayTo(join(folder, 'relay'), urls);
    writeFileSync(
      file,
      configurationOf({ folder: join(folder, 'relay'), noOutput: true, top: { ...relaying, ...top } }),
    );
  };
  configure([first.url]);
  const relay = runServer(context, ['-c', file]);
  await relay.printed(/listening on \S+/);
  const client = await SourceClient.connect(/listening on (\S+)/.exec(relay.output())?.[1] ?? '', SOURCE_A);
  await client.deliver(1, { payload: 'one\n' });
  await arrives(join(first.outputFolder, 'a.log'), 'one\n');

  configure([second.url], { state_dir: join(folder, 'elsewhere') });
  relay.child.kill('SIGHUP');
  await relay.printed(/state_dir cannot change while the server runs/);
  await client.deliver(2, { payload: 'two\n' });
  await arrives(join(first.outputFolder, 'a.log'), 'one\ntwo\n');

  configure([second.url]);
  relay.child.kill('SIGHUP');
  await relay.printed(/the configuration is in force/);
  await client.deliver(3, { payload: 'three\n' });
  await arrives(join(second.outputFolder, 'a.log'), 'three\n');
});
