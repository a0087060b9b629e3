import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PROTOCOL_VERSION } from '@k2hft/wire';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { STRANGERS_MAX } from '../src/strangers.js';
import { startSource } from './sending-source.js';
import { startServer, type RunningServer } from './server-process.js';
import { SOURCE_A, SOURCE_B, SourceClient } from './source-client.js';

const TOKENS = {
  host1: 'first-token-0123456789',
  host2: 'second-token-0123456789',
  relay: 'relay-token-0123456789',
};

interface Site {
  server: RunningServer;
  folder: string;
  tokens: string;
}

async function startWithTokens(context: TestContext, top: Record<string, unknown> = {}): Promise<Site> {
  const folder = temporaryFolder(context);
  const tokens = join(folder, 'tokens');
  writeTokens(tokens, [`host1 ${TOKENS.host1}`, `host2 ${TOKENS.host2}`, `relay ${TOKENS.relay} relay`]);
  const server = await startServer(context, { folder, top: { tokens_file: tokens, ...top } });
  return { server, folder, tokens };
}

/** As an editor does it. */
function writeTokens(file: string, lines: readonly string[]): void {
  writeFileSync(`${file}.new`, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

async function hello(url: string, host: string, token?: string, source = SOURCE_A): Promise<SourceClient> {
  const client = await SourceClient.open(url);
  client.tell({
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    source,
    epoch: 1,
    host,
    software: 'test',
    token,
  });
  return client;
}

async function welcomed(client: SourceClient): Promise<SourceClient> {
  await waitUntil('the welcome', () => client.messages('welcome').length > 0);
  return client;
}

test('who shows no token, a wrong one or that of another host is refused, and both sides say which', async (context) => {
  const { server } = await startWithTokens(context);
  for (const [host, token, code, expected] of [
    ['host1', undefined, 'token', /no token was shown/],
    [
      'host1',
      'guessed-token-0123456789',
      'token',
      /the token is not, or no longer, in this server's tokens_file/,
    ],
    ['host2', TOKENS.host1, 'host', /the token is for another host than "host2"/],
  ] as const) {
    const client = await hello(server.url, host, token);
    assert.equal(await client.closed(), 1008);
    const error = client.messages('error')[0];
    assert.equal(error?.code, code);
    assert.match(error.message, expected);
    await server.printed(expected);
  }
  for (const token of [...Object.values(TOKENS), 'guessed']) assert.ok(!server.output().includes(token));
});

test('a token binds every batch to its host, unless it is that of a relay', async (context) => {
  const { server } = await startWithTokens(context);
  const own = await welcomed(await hello(server.url, 'host1', TOKENS.host1));
  await own.deliver(1, { host: 'host1', payload: 'own\n' });
  own.send({ sequence: 2, host: 'host2', payload: 'forged\n' });
  assert.equal(await own.closed(), 1008);
  assert.equal(own.messages('error')[0]?.code, 'host');
  await server.printed(
    /host1 .* is refused: records of the host "host2" came with a token that is for "host1" alone/,
  );
  const relay = await welcomed(await hello(server.url, 'relay', TOKENS.relay, SOURCE_B));
  await relay.deliver(3, { host: 'host2', payload: 'relayed\n' });
  assert.equal(readFileSync(join(server.outputFolder, 'a.log'), 'utf8'), 'own\nrelayed\n');
});

test('the queue of one host cannot be used by another, until the first has no token any more', async (context) => {
  const { server, tokens, folder } = await startWithTokens(context);
  const first = await welcomed(await hello(server.url, 'host1', TOKENS.host1));
  first.close();
  const thief = await hello(server.url, 'host2', TOKENS.host2);
  assert.equal(await thief.closed(), 1008);
  assert.match(thief.messages('error')[0]?.message ?? '', /the queue \S+ belongs to the host "host1"/);
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  const again = await startServer(context, { folder, top: { tokens_file: tokens } });
  const later = await hello(again.url, 'host2', TOKENS.host2);
  assert.equal(await later.closed(), 1008);
  writeTokens(tokens, [`host2 ${TOKENS.host2}`]);
  await again.printed(/was read again: 1 tokens/);
  await welcomed(await hello(again.url, 'host2', TOKENS.host2));
});

test('tokens come and go under load: what is taken out ends within seconds, nothing is lost', async (context) => {
  const { server, tokens, folder } = await startWithTokens(context);
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, TOKENS.host1, { mode: 0o600 });
  const source = startSource(context, { url: server.url, servers: { tokenFile } });
  const lines: string[] = [];
  const load = setInterval(() => {
    lines.push(`line ${lines.length}\n`);
    source.append(lines.at(-1) ?? '');
  }, 2);
  await source.says(/connected \(/);
  const bystander = await welcomed(await hello(server.url, 'host2', TOKENS.host2, SOURCE_B));
  writeTokens(tokens, [`host2 ${TOKENS.host2}`]);
  await source.says(/the token was taken out of the tokens_file/);
  await server.printed(/host1 .* is refused: the token was taken out of the tokens_file/);
  await source.says(/the token is not, or no longer, in this server's tokens_file/);
  writeTokens(tokens, ['nonsense']);
  await server.printed(
    /tokens_file \S+: line 1: expected "name token".*; the tokens that were read before stay/,
  );
  writeTokens(tokens, [`host2 ${TOKENS.host2}`, 'host1 renewed-token-0123456789']);
  writeFileSync(tokenFile, 'renewed-token-0123456789\n');
  await waitUntil('it is up again', () => source.forwarder.status()[0]?.state === 'up');
  clearInterval(load);
  await source.delivered();
  assert.equal(readFileSync(join(server.outputFolder, 'a.log'), 'utf8'), lines.join(''));
  assert.equal(bystander.closeCode, undefined);
});

test('files with secrets that everybody may read are warned of', async (context) => {
  const { server, tokens } = await startWithTokens(context);
  writeFileSync(tokens, `host1 ${TOKENS.host1}\nhost2 short\n`);
  assert.equal(statSync(tokens).mode & 0o004, 0);
  const open = await startServer(context, {
    folder: temporaryFolder(context),
    top: { tokens_file: worldReadable(context) },
  });
  await open.printed(/tokens_file \S+ may be read by everybody on this host: chmod o-r/);
  await server.printed(/short tokens can be guessed, see line 2/);
});

function worldReadable(context: TestContext): string {
  const file = join(temporaryFolder(context), 'tokens');
  writeFileSync(file, `host1 ${TOKENS.host1}\n`, { mode: 0o644 });
  return file;
}

test('who says nothing, too slowly or too much is cut off', async (context) => {
  // Long enough for whoever opens a WebSocket on a busy machine.
  const { server } = await startWithTokens(context, { limits: { handshake_timeout: '5s' } });
  const silent = rawConnection(server.url);
  const slow = rawConnection(server.url);
  const drip = setInterval(() => slow.write('G'), 20);
  const mute = await SourceClient.open(server.url);
  const talker = await SourceClient.open(server.url);
  talker.socket.on('error', () => undefined);
  talker.socket.send(Buffer.alloc(200_000, 1));
  await Promise.all([ended(silent), ended(slow), mute.closed(), talker.closed()]);
  clearInterval(drip);
  await server.printed(/has not said who it is within 5 s: cut off/);
  assert.equal(mute.messages('error')[0]?.message, 'no hello within 5 s');
});

test('strangers are limited in number, and do not keep out who knows a token', async (context) => {
  // None of them goes because its time is over.
  const { server } = await startWithTokens(context, { limits: { handshake_timeout: '1h' } });
  const strangers = Array.from({ length: STRANGERS_MAX + 50 }, () => rawConnection(server.url, '127.0.0.2'));
  await waitUntil('the oldest are cut', () => strangers.filter(({ destroyed }) => destroyed).length >= 50);
  const client = await welcomed(await hello(server.url, 'host1', TOKENS.host1));
  await client.deliver(1, { payload: 'through\n' });
  await server.printed(/is cut off: 256 connections have not said yet who they are/);
  for (const stranger of strangers) stranger.destroy();
});

test('a rate is kept by reading slowly, and a limit of open files is said', async (context) => {
  const { server } = await startWithTokens(context, { limits: { rate: '1MiB/s', streams: 3 } });
  const client = await welcomed(await hello(server.url, 'host1', TOKENS.host1));
  const startedMs = performance.now();
  const payload = `${'x'.repeat(1024 * 1024 - 1)}\n`;
  await client.deliver(1, { payload }, { payload }, { payload });
  assert.ok(performance.now() - startedMs > 1500);
  client.send(...[2, 3, 4].map((stream) => ({ sequence: stream + 2, stream, payload: 'y\n' })));
  assert.equal(await client.closed(), 1008);
  assert.equal(client.messages('error')[0]?.code, 'streams');
});

function rawConnection(url: string, localAddress = '127.0.0.1'): Socket {
  const { port, hostname } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, localAddress });
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}

async function ended(socket: Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close');
}
