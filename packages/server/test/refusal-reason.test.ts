import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { encodeMessage, PROTOCOL_VERSION } from '@k2hft/wire';
import {
  Authority,
  parseScrape,
  temporaryFolder,
  undoAtEnd,
  waitUntil,
  whyNoCertificates,
} from '@k2hft/test-harness';
import { WebSocket } from 'ws';
import { REFUSAL_REASONS, type RefusalReason } from '../src/refusal-reason.js';
import { STRANGERS_MAX } from '../src/strangers.js';
import { startServer, type RunningServer } from './server-process.js';
import { makeBatch, SOURCE_A, SourceClient } from './source-client.js';

const skip = whyNoCertificates() ?? false;

const TOKENS = { host1: 'first-token-0123456789', host2: 'second-token-0123456789' };

interface Observed extends RunningServer {
  port: number;
  /** How many were refused since the last call, without the reasons of which there were none; waits for `count` of them. */
  refused: (count: number) => Promise<Partial<Record<RefusalReason, number>>>;
}

async function startObserved(context: TestContext, top: Record<string, unknown> = {}): Promise<Observed> {
  const folder = temporaryFolder(context);
  const server = await startServer(context, { folder, top: { admin: { listen: '127.0.0.1:0' }, ...top } });
  const [, admin = ''] = /admin: (http:\S+)/.exec(server.output()) ?? [];
  const scrape = async (): Promise<Record<RefusalReason, number>> => {
    const metrics = parseScrape(await (await fetch(`${admin}/metrics`)).text());
    const value = (reason: string): number =>
      metrics.value('k2hft_server_connections_refused_total', { reason });
    return Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, value(reason)])) as Record<
      RefusalReason,
      number
    >;
  };
  let before = await scrape();
  assert.ok(Object.values(before).every((value) => value === 0));
  const refused: Observed['refused'] = async (count) => {
    let after = before;
    await waitUntil(`${count} refusals`, async () => {
      after = await scrape();
      return sum(after) - sum(before) >= count;
    });
    const risen = REFUSAL_REASONS.filter((reason) => after[reason] > before[reason]);
    const differences = Object.fromEntries(risen.map((reason) => [reason, after[reason] - before[reason]]));
    before = after;
    return differences;
  };
  return { ...server, port: Number(new URL(server.url).port), refused };
}

function sum(counts: Record<RefusalReason, number>): number {
  return Object.values(counts).reduce((one, other) => one + other, 0);
}

function raw(context: TestContext, port: number, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.resume();
  undoAtEnd(context, () => {
    socket.destroy();
  });
  return socket;
}

/** Whatever error it ends with: `once` would throw that. */
async function ended(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    else
      socket.once('close', () => {
        resolve();
      });
  });
}

/** Sends a request, and waits until the connection has ended. */
async function ask(context: TestContext, port: number, text: string): Promise<void> {
  const socket = raw(context, port);
  socket.write(text, 'latin1');
  await ended(socket);
}

function requestOf(target: string, key = 'AAAAAAAAAAAAAAAAAAAAAA==', more = ''): string {
  return (
    `GET ${target} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${more}\r\n`
  );
}

/** Sends what it is given after the WebSocket is open, and waits until it is closed. */
async function say(url: string, message: Buffer | string): Promise<void> {
  const client = await SourceClient.open(url);
  client.socket.send(message);
  await client.closed();
}

function hello(fields: { host?: string; token?: string; protocol?: number; source?: string }): Buffer {
  return encodeMessage({
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    source: SOURCE_A,
    epoch: 1,
    host: 'host1',
    software: 'test',
    ...fields,
  });
}

function tokensFile(context: TestContext): string {
  const file = join(temporaryFolder(context), 'tokens');
  const lines = Object.entries(TOKENS).map(([host, token]) => `${host} ${token}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  return file;
}

test('whoever is refused for what it asks or says counts once, under its reason', async (context) => {
  const server = await startObserved(context, { tokens_file: tokensFile(context) });
  const { port, url, refused } = server;
  await ask(context, port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await ask(context, port, '\x00\xff\r\n\r\nnonsense');
  await ask(context, port, requestOf('/', 'no key'));
  assert.deepEqual(await refused(3), { request: 3 });
  await ask(context, port, requestOf('/elsewhere'));
  assert.deepEqual(await refused(1), { path: 1 });
  await ask(context, port, requestOf('/', undefined, `X: ${'x'.repeat(20_000)}\r\n`));
  await say(url, Buffer.alloc(200_000, 1));
  assert.deepEqual(await refused(2), { too_large: 2 });
  const tls = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  tls.on('error', () => undefined);
  await ended(tls);
  assert.deepEqual(await refused(1), { tls_unexpected: 1 });
  await say(url, hello({}));
  await say(url, hello({ token: 'guessed-token-0123456789' }));
  assert.deepEqual(await refused(2), { token: 2 });
  await say(url, hello({ host: 'host2', token: TOKENS.host1 }));
  assert.deepEqual(await refused(1), { host: 1 });
  await say(url, hello({ protocol: PROTOCOL_VERSION + 1 }));
  assert.deepEqual(await refused(1), { protocol: 1 });
  await say(url, makeBatch({}));
  await say(url, 'text');
  const broken = raw(context, port);
  broken.write(requestOf('/'));
  await once(broken, 'data');
  // What a client must not send: a frame that is not masked.
  broken.write(Buffer.from([0x82, 0x01, 0x00]));
  assert.deepEqual(await refused(3), { malformed: 3 });
});

test('whoever was known when it was refused does not count', async (context) => {
  const server = await startObserved(context, { tokens_file: tokensFile(context) });
  const client = await SourceClient.open(server.url);
  client.socket.send(hello({ token: TOKENS.host1 }));
  await waitUntil('the welcome', () => client.messages('welcome').length > 0);
  client.send({ sequence: 1, host: 'host2', payload: 'forged\n' });
  assert.equal(await client.closed(), 1008);
  await ask(context, server.port, requestOf('/elsewhere'));
  assert.deepEqual(await server.refused(1), { path: 1 });
});

test('whoever is too slow counts once, whether it says nothing or no hello', async (context) => {
  const server = await startObserved(context, { limits: { handshake_timeout: '300ms' } });
  const silent = raw(context, server.port);
  const mute = raw(context, server.port);
  mute.write(requestOf('/'));
  await Promise.all([ended(silent), ended(mute)]);
  assert.deepEqual(await server.refused(2), { handshake_timeout: 2 });
});

test('whoever is one too many counts once', async (context) => {
  const server = await startObserved(context, { max_connections: 1 });
  await SourceClient.connect(server.url);
  const second = await SourceClient.open(server.url);
  assert.equal(await second.closed(), 1013);
  assert.deepEqual(await server.refused(1), { max_connections: 1 });
});

test('strangers that are cut because they are too many are counted', async (context) => {
  const server = await startObserved(context);
  const strangers = Array.from({ length: STRANGERS_MAX + 5 }, () => raw(context, server.port));
  await waitUntil('the oldest are cut', () => strangers.filter(({ destroyed }) => destroyed).length === 5);
  assert.deepEqual(await server.refused(5), { too_many_strangers: 5 });
});

test('a TLS handshake that fails counts once, by its kind', { skip }, async (context) => {
  const folder = temporaryFolder(context);
  const authority = new Authority(join(folder, 'authority'), 'Ours');
  const files = authority.issue({ name: 'localhost', alternatives: ['IP:127.0.0.1'] });
  const server = await startObserved(context, {
    listen: 'wss://127.0.0.1:0',
    tls: files,
  });
  const { port, refused } = server;
  const fail = async (options: ConnectionOptions): Promise<void> => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    socket.on('error', () => undefined);
    await ended(socket);
  };
  await ask(context, port, requestOf('/'));
  assert.deepEqual(await refused(1), { tls_missing: 1 });
  // A cipher without security bits is what OpenSSL wants before it offers anything so old.
  await fail({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' });
  assert.deepEqual(await refused(1), { tls_version: 1 });
  await fail({ maxVersion: 'TLSv1.2', ciphers: 'PSK-AES128-GCM-SHA256:AES128-SHA', ecdhCurve: 'P-256' });
  assert.deepEqual(await refused(1), { tls_cipher: 1 });
  // OpenSSL's own client says why it goes; Node.js as a client just goes.
  const openssl = spawn(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error', '-verify', '1'],
    { stdio: 'ignore' },
  );
  await once(openssl, 'close');
  assert.deepEqual(await refused(1), { tls_distrusted: 1 });
  const leaving = raw(context, port);
  await once(leaving, 'connect');
  leaving.end();
  assert.deepEqual(await refused(1), { tls_ended: 1 });
  const hasty = await startObserved(context, {
    listen: 'wss://127.0.0.1:0',
    tls: files,
    limits: { handshake_timeout: '300ms' },
  });
  await ended(raw(context, hasty.port));
  assert.deepEqual(await hasty.refused(1), { handshake_timeout: 1 });
  assert.doesNotMatch(hasty.output(), /no WebSocket request/);
});

test('a certificate that is not accepted is counted by what it lacks', { skip }, async (context) => {
  const folder = temporaryFolder(context);
  const authority = new Authority(join(folder, 'authority'), 'Ours');
  const other = new Authority(join(folder, 'other'), 'Theirs');
  const files = authority.issue({ name: 'localhost', alternatives: ['IP:127.0.0.1'] });
  const server = await startObserved(context, {
    listen: 'wss://127.0.0.1:0',
    tls: { ...files, client_ca: authority.file },
  });
  const shown = [
    ['certificate_missing', undefined],
    ['certificate_authority', other.issue({ name: 'host1' })],
    ['certificate_expired', authority.issue({ name: 'host1', expired: true })],
    ['certificate_not_yet_valid', authority.issue({ name: 'host1', early: true })],
  ] as const;
  for (const [reason, certificate] of shown) {
    const pair = certificate && {
      cert: readFileSync(certificate.cert),
      key: readFileSync(certificate.key),
    };
    const socket = new WebSocket(server.url, { rejectUnauthorized: false, ...pair });
    await once(socket, 'error');
    assert.deepEqual(await server.refused(1), { [reason]: 1 });
  }
});
