import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { sleep, temporaryFolder, type Cleanup } from '@k2hft/test-harness';
import { WebSocket } from 'ws';
import { badBatches, badFrame, compressedBomb, helloOf, msgpackBomb, Random } from './fuzz-bytes.js';
import { startSource } from './sending-source.js';
import { startServer } from './server-process.js';

const HOST = 'fuzz';
const TOKEN = 'a-token-of-the-fuzzer-0123456789';
const HONEST_TOKEN = 'a-token-of-the-honest-0123456789';

/** Attacks that run at the same time. */
const PARALLEL = 24;

/** An attack that the server has not ended by then ends by itself. */
const ATTACK_MS = 1500;

/** The honest source sends a line so often. */
const LINE_MS = 5;

/** A server that has not got rid of what it was sent has this long. */
const SETTLE_MS = 3000;

export interface FuzzOptions {
  seconds: number;
  seed: number;
  /** Connections that are opened at once, in the middle of it. */
  connections: number;
}

export interface FuzzResult {
  attacks: number;
  /** How many of the connections there were at the same time, as the fuzzer saw it. */
  connections: number;
  lines: number;
  /** Resident memory of the server. */
  megabytes: { before: number; peak: number; after: number };
}

interface Target {
  readonly port: number;
  readonly url: string;
  readonly random: Random;
}

/**
 * Attacks a real server in all ways that are known here, while an honest source sends lines. Throws when the server ends,
 * or a line is lost, doubled or changed.
 */
export async function fuzz(cleanup: Cleanup, options: FuzzOptions): Promise<FuzzResult> {
  const folder = temporaryFolder(cleanup);
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, `honest ${HONEST_TOKEN}\n${HOST} ${TOKEN}\n`, { mode: 0o600 });
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, HONEST_TOKEN, { mode: 0o600 });
  const server = await startServer(cleanup, {
    folder,
    output: { path: '{host}/{path}' },
    top: { tokens_file: tokens, limits: { handshake_timeout: '2s', streams: 500 } },
  });
  const honest = startSource(cleanup, { url: server.url, host: 'honest', servers: { tokenFile } });
  await honest.says(/connected/);
  const memory = new Memory(server.pid);
  const lines: string[] = [];
  const load = setInterval(() => {
    lines.push(`line ${lines.length}\n`);
    honest.append(lines.at(-1) ?? '');
    memory.look();
  }, LINE_MS);
  const target: Target = {
    port: Number(new URL(server.url).port),
    url: server.url,
    random: new Random(options.seed),
  };
  const endMs = performance.now() + options.seconds * 1000;
  let attacks = 0;
  const attack = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await target.random.pick(ATTACKS)(target);
      attacks++;
      assert.equal(server.child.exitCode ?? server.child.signalCode, null, server.output());
    }
  };
  const crowd = sleep(options.seconds * 300).then(() => openMany(target.port, options.connections));
  await Promise.all([crowd, ...Array.from({ length: PARALLEL }, attack)]);
  clearInterval(load);
  await honest.delivered();
  assert.equal(readFileSync(join(server.outputFolder, 'honest/a.log'), 'utf8'), lines.join(''));
  await sleep(SETTLE_MS);
  const megabytes = memory.result();
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0, server.output());
  checkLog(server.output());
  return { attacks, connections: await crowd, lines: lines.length, megabytes };
}

/** Nothing of what was sent may look like a line of its own, reach a terminal, or tell a secret. */
function checkLog(output: string): void {
  for (const line of output.split('\n')) assert.match(line, /^$|^k2hft-svr: | {4}/);
  assert.doesNotMatch(output.replaceAll('\n', ''), /\p{Cc}/u);
  assert.ok(!output.includes(TOKEN) && !output.includes(HONEST_TOKEN));
}

class Memory {
  readonly #pid: number;
  readonly #before: number;
  #peak = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#before = this.look();
  }

  look(): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'latin1');
    const megabytes = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024);
    this.#peak = Math.max(this.#peak, megabytes);
    return megabytes;
  }

  result(): FuzzResult['megabytes'] {
    return { before: this.#before, peak: this.#peak, after: this.look() };
  }
}

type Attack = (target: Target) => Promise<void>;

const ATTACKS: readonly [Attack, ...Attack[]] = [
  // Before anything is known of the peer.
  ({ port, random }) => raw(port, random.bytes(random.below(3000))),
  ({ port }) => raw(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`),
  ({ port }) => raw(port, `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(20_000)}\r\n`),
  ({ port, random }) => raw(port, request(random.pick(['POST', 'PUT', 'CONNECT', 'GET', '\x1b[2J'])), 10),
  ({ port, random }) =>
    raw(
      port,
      UPGRADE.replace('/', () => requestTarget(random)),
    ),
  ({ port, random }) => raw(port, `${UPGRADE}${random.bytes(200).toString('latin1')}`),
  ({ port, random }) => drip(port, random.pick([UPGRADE, request('GET'), '\x16\x03\x01'])),
  ({ port, random }) => raw(port, Buffer.concat([Buffer.from(UPGRADE), badFrame(random), badFrame(random)])),
  (target) => webSocket(target, ({ random }) => [msgpackBomb(random)]),
  (target) =>
    webSocket(target, ({ random }) => [
      helloOf(random, HOST, random.pick([undefined, 'guess', HONEST_TOKEN])),
    ]),
  (target) => webSocket(target, ({ random }) => [badBatches(random, HOST), random.bytes(70_000)]),
  async (target) => {
    const bomb = await compressedBomb(target.random, HOST);
    await webSocket(target, () => [bomb]);
  },
  // With a token.
  (target) => admitted(target, ({ random }) => [msgpackBomb(random)]),
  (target) => admitted(target, ({ random }) => Array.from({ length: 20 }, () => badBatches(random, HOST))),
  async (target) => {
    const bomb = await compressedBomb(target.random, HOST);
    await admitted(target, () => [bomb, bomb, bomb, bomb]);
  },
  (target) => admitted(target, () => [Buffer.alloc(33_000_000, 0xb7)]),
  (target) => admitted(target, unfinished),
  (target) => admitted(target, fragments),
  (target) => admitted(target, pings),
];

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

/** What a request asks for: it need not be a URL. */
function requestTarget(random: Random): string {
  const text = random
    .bytes(1 + random.below(20))
    .toString('latin1')
    .replace(/[\0- \x7f]/g, '[');
  return random.pick(['//', 'http://', '/', '']) + text;
}

function request(method: string): string {
  return `${method} / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n`;
}

function open(port: number, localAddress = '127.0.0.2'): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}

async function raw(port: number, bytes: Buffer | string, bodies = 0): Promise<void> {
  const socket = open(port);
  socket.write(bytes);
  for (let left = bodies; left > 0; left--) socket.write(Buffer.alloc(100_000, 0x1b));
  await atMost(ATTACK_MS, once(socket, 'close'));
  socket.destroy();
}

async function drip(port: number, text: string): Promise<void> {
  const socket = open(port);
  for (const character of text.slice(0, ATTACK_MS / 50)) {
    if (socket.destroyed) return;
    socket.write(character, 'latin1');
    await sleep(50);
  }
  socket.destroy();
}

async function openMany(port: number, count: number): Promise<number> {
  let open_ = 0;
  let most = 0;
  const sockets = Array.from({ length: count }, (_, index) => {
    const socket = open(port, `127.0.1.${1 + (index % 200)}`);
    socket.on('connect', () => {
      most = Math.max(most, ++open_);
    });
    socket.on('close', () => open_--);
    return socket;
  });
  await sleep(ATTACK_MS);
  for (const socket of sockets) socket.destroy();
  return most;
}

type Sender = (target: Target, socket: WebSocket) => Buffer[];

async function webSocket(target: Target, send: Sender): Promise<void> {
  const socket = new WebSocket(target.url, { perMessageDeflate: false, localAddress: '127.0.0.3' });
  socket.on('error', () => undefined);
  await atMost(
    ATTACK_MS,
    Promise.race([once(socket, 'open'), once(socket, 'close')]).catch(() => undefined),
  );
  if (socket.readyState === socket.OPEN) {
    for (const message of send(target, socket)) socket.send(message);
    await atMost(ATTACK_MS, once(socket, 'close'));
  }
  socket.terminate();
}

function admitted(target: Target, send: Sender): Promise<void> {
  return webSocket(target, (same, socket) => {
    socket.send(helloOf(target.random, HOST, TOKEN));
    // What comes with the hello counts as a stranger's.
    socket.once('message', () => {
      for (const message of send(same, socket)) socket.send(message);
    });
    return [];
  });
}

/** The first part of a long message, of which nothing more comes. */
function unfinished(_target: Target, socket: WebSocket): Buffer[] {
  socket.send(Buffer.alloc(31_000_000, 0xb7), { fin: false });
  return [];
}

function fragments(_target: Target, socket: WebSocket): Buffer[] {
  const byte = Buffer.of(0xb7);
  for (let left = 20_000; left > 0; left--) socket.send(byte, { fin: false });
  return [];
}

/** Asks for answers, and reads none of them. */
function pings(_target: Target, socket: WebSocket): Buffer[] {
  socket.pause();
  const question = Buffer.alloc(125);
  for (let left = 50_000; left > 0; left--) socket.ping(question);
  return [];
}

async function atMost(limitMs: number, done: Promise<unknown>): Promise<void> {
  await Promise.race([done.catch(() => undefined), sleep(limitMs)]);
}
