import { strict as assert } from 'node:assert';
import { connect } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { encodeMessage, PROTOCOL_VERSION } from '@k2hft/wire';
import { temporaryFolder } from '@k2hft/test-harness';
import { startServer, type RunningServer } from './server-process.js';
import { makeBatch, SOURCE_A, SourceClient } from './source-client.js';

function start(context: TestContext, top: Record<string, unknown> = {}): Promise<RunningServer> {
  return startServer(context, { folder: temporaryFolder(context), top });
}

test('whatever a source sends, the service goes on', async (context) => {
  const server = await start(context);
  const damaged = makeBatch({ sequence: 2, payload: 'damaged\n' });
  damaged.writeUInt8(0, damaged.length - 1);
  const good = makeBatch({ sequence: 1, payload: 'good\n' });
  const attempts: [what: string, message: Buffer | string][] = [
    ['a damaged batch behind a good one', Buffer.concat([good, damaged])],
    ['a cut off batch', good.subarray(0, good.length - 1)],
    ['a batch with something behind it', Buffer.concat([good, Buffer.from([1])])],
    ['no message of ours', Buffer.from([0x77])],
    ['nothing', Buffer.alloc(0)],
    ['text', 'text'],
    ['a second hello', helloMessage()],
    ['a message of the server', encodeMessage({ type: 'status', state: 'full', reason: '' })],
  ];
  for (const [what, message] of attempts) {
    const client = await SourceClient.connect(server.url);
    client.socket.send(message);
    assert.equal(await client.closed(), 1002, what);
    assert.equal(client.messages('error').at(-1)?.code, 'malformed', what);
  }
  const client = await SourceClient.connect(server.url);
  await client.deliver(1, { payload: 'good\n' });
  assert.equal(readFileSync(join(server.outputFolder, 'a.log'), 'utf8'), 'good\n');
});

function helloMessage(): Buffer {
  return encodeMessage({
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    source: SOURCE_A,
    epoch: 1,
    host: 'h',
    software: 's',
  });
}

test('batches before the hello are refused', async (context) => {
  const server = await start(context);
  const client = await SourceClient.open(server.url);
  client.send({ payload: 'x\n' });
  assert.equal(await client.closed(), 1002);
  assert.match(client.messages('error')[0]?.message ?? '', /before the hello/);
});

test('another protocol is refused, and both sides can say why', async (context) => {
  const server = await start(context);
  const client = await SourceClient.open(server.url);
  client.tell({ type: 'hello', protocol: 2, source: SOURCE_A, epoch: 1, host: 'h', software: 's' });
  assert.equal(await client.closed(), 1002);
  const error = client.messages('error')[0];
  assert.equal(error?.code, 'protocol');
  assert.match(error.message, /this server speaks protocol 1.*speaks protocol 2.*upgrade/);
  await server.printed(/refused: this server speaks protocol 1/);
});

test('what a source calls itself cannot forge a line of the log', async (context) => {
  const server = await start(context);
  const client = await SourceClient.open(server.url);
  client.tell({
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    source: SOURCE_A,
    epoch: 1,
    host: 'h\nforged',
    software: '\x1b[31m',
  });
  await server.printed(/is connected/);
  assert.ok(!server.output().includes('\nforged') && !server.output().includes('\x1b'));
  assert.match(server.output(), /h\\x0aforged/);
});

test('connections are limited in number, and a place becomes free', async (context) => {
  const server = await start(context, { max_connections: 2 });
  const clients = [await SourceClient.connect(server.url), await SourceClient.connect(server.url)];
  const third = await SourceClient.open(server.url);
  assert.equal(await third.closed(), 1013);
  assert.equal(third.messages('error')[0]?.code, 'busy');
  clients[0]?.close();
  await server.printed(/is disconnected/);
  await SourceClient.connect(server.url);
});

test('what is no WebSocket at all does no harm', async (context) => {
  const server = await start(context);
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.resume();
  socket.write('\x00\xff\r\n\r\nnonsense');
  await once(socket, 'close');
  const response = await fetch(server.url.replace('ws:', 'http:'));
  assert.equal(response.status, 426);
  await SourceClient.connect(server.url);
});

test('a request for what is no URL is refused, and the service goes on', async (context) => {
  const server = await start(context);
  const { port, hostname } = new URL(server.url);
  for (const target of ['//[', '//', 'http://[', 'http://x:99999/', '*', '/\xff', '?', '/elsewhere']) {
    const socket = connect(Number(port), hostname);
    socket.setEncoding('latin1');
    let answer = '';
    socket.on('data', (text: string) => (answer += text));
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      'latin1',
    );
    await Promise.race([once(socket, 'close'), once(socket, 'data')]);
    assert.match(answer, /^HTTP\/1\.1 (101|400|404) /, target);
    socket.destroy();
  }
  await SourceClient.connect(server.url);
});
