import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { undoAtEnd } from '@k2hft/test-harness';
import {
  MESSAGE_BYTES_MAX,
  WireError,
  acksOf,
  decodeBatches,
  decodeMessage,
  encodeMessage,
  holdsBatches,
  type Batch,
  type ControlMessage,
  type FloorMessage,
  type HelloMessage,
} from '@k2hft/wire';
import { WebSocketServer, type WebSocket } from 'ws';
import { ownAddress } from './own-address.js';

export interface TestServerOptions {
  port?: number;
  /** Default: an address of its own. */
  host?: string;
  /** Answers a hello; by default with a welcome. */
  greet?: (hello: HelloMessage) => ControlMessage[];
  autoPong?: boolean;
}

/**
 * A server that remembers what it applied, as a real one does: it applies each (epoch, sequence) once, and
 * acknowledges what it gets at once, or when the test says so.
 */
export class TestServer {
  /** Payloads in the order in which they were applied. */
  readonly applied: string[] = [];
  /** All batches that came, the doubled ones too. */
  received = 0;
  messages = 0;
  longestMessageBytes = 0;
  doubled = 0;
  acknowledge = true;
  readonly hellos: HelloMessage[] = [];
  readonly floors: FloorMessage[] = [];
  readonly errors: ControlMessage[] = [];
  /** First message kinds per connection, to look at the order. */
  readonly kinds: string[] = [];
  url = '';
  port = 0;
  readonly host: string;
  readonly #seen: Set<string>;
  readonly #options: TestServerOptions;
  #server: WebSocketServer | undefined;
  #unacknowledged: { socket: WebSocket; epoch: number; sequence: number }[] = [];

  constructor(options: TestServerOptions = {}, seen = new Set<string>()) {
    this.#options = options;
    this.host = options.host ?? ownAddress();
    this.#seen = seen;
  }

  static async start(context: TestContext, options: TestServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    undoAtEnd(context, () => server.stop());
    await server.listen();
    return server;
  }

  /** Also after stop(): on the same port again, with what was applied remembered. */
  async listen(): Promise<void> {
    const server = new WebSocketServer({
      host: this.host,
      port: this.port === 0 ? (this.#options.port ?? 0) : this.port,
      maxPayload: MESSAGE_BYTES_MAX,
      perMessageDeflate: false,
      autoPong: this.#options.autoPong ?? true,
    });
    this.#server = server;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('message', (data) => {
        assert(Buffer.isBuffer(data));
        this.#receiveOrRefuse(socket, data);
      });
    });
    await new Promise((resolve) => server.once('listening', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.url = `ws://${this.host}:${this.port}`;
  }

  /** How many are open now. */
  get connections(): number {
    return this.#server?.clients.size ?? 0;
  }

  /** Breaks all connections and does not listen any more. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#unacknowledged = [];
    this.dropConnections(server);
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  }

  dropConnections(server = this.#server): void {
    server?.clients.forEach((socket) => {
      socket.terminate();
    });
  }

  /** Makes the sockets deaf: nothing is read any more, no ping is answered. */
  pauseConnections(): void {
    this.#server?.clients.forEach((socket) => {
      socket.pause();
    });
  }

  resumeConnections(): void {
    this.#server?.clients.forEach((socket) => {
      socket.resume();
    });
  }

  tell(...messages: (ControlMessage | Buffer)[]): void {
    for (const message of messages) {
      const bytes = Buffer.isBuffer(message) ? message : encodeMessage(message);
      this.#server?.clients.forEach((socket) => {
        socket.send(bytes);
      });
    }
  }

  /** Acknowledges what has been waiting for it, from the oldest on. */
  acknowledgeNow(count = Infinity): void {
    for (const { socket, epoch, sequence } of this.#unacknowledged.splice(0, count)) {
      for (const ack of acksOf(epoch, [sequence])) socket.send(encodeMessage(ack));
    }
  }

  get unacknowledged(): number {
    return this.#unacknowledged.length;
  }

  #receiveOrRefuse(socket: WebSocket, data: Buffer): void {
    try {
      this.#receive(socket, data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      socket.send(encodeMessage({ type: 'error', code: error.code, message: error.message }));
      socket.close(1002);
    }
  }

  #receive(socket: WebSocket, data: Buffer): void {
    if (holdsBatches(data)) {
      this.#receiveBatches(socket, data);
      return;
    }
    const message = decodeMessage(data);
    this.kinds.push(message.type);
    if (message.type === 'hello') this.#welcome(socket, message);
    else if (message.type === 'floor') this.floors.push(message);
    else this.errors.push(message);
  }

  #welcome(socket: WebSocket, hello: HelloMessage): void {
    this.hellos.push(hello);
    const welcome: ControlMessage = {
      type: 'welcome',
      protocol: 1,
      software: 'test server',
      messageBytesMax: MESSAGE_BYTES_MAX,
    };
    for (const answer of this.#options.greet?.(hello) ?? [welcome]) socket.send(encodeMessage(answer));
  }

  #receiveBatches(socket: WebSocket, data: Buffer): void {
    this.kinds.push('batches');
    this.messages += 1;
    this.longestMessageBytes = Math.max(this.longestMessageBytes, data.length);
    const batches = [...decodeBatches(data)];
    for (const batch of batches) this.#apply(batch);
    this.#unacknowledged.push(...batches.map(({ epoch, sequence }) => ({ socket, epoch, sequence })));
    if (this.acknowledge) this.acknowledgeNow();
  }

  #apply(batch: Batch): void {
    this.received += 1;
    const key = `${batch.epoch}/${batch.sequence}`;
    if (this.#seen.has(key)) {
      this.doubled += 1;
      return;
    }
    this.#seen.add(key);
    this.applied.push(batch.payload.toString('latin1'));
  }
}
