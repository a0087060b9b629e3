import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { comparePositions, POSITION_ZERO, type Position } from '@k2hft/queue';
import {
  MESSAGE_BYTES_MAX,
  acksOf,
  decodeBatches,
  decodeMessage,
  decompressMessage,
  encodeMessage,
  holdsBatches,
  isCompressed,
  type Batch,
  type StatusMessage,
} from '@k2hft/wire';
import { WebSocketServer, type WebSocket } from 'ws';

/** A batch that the server has written. */
interface Written {
  readonly key: string;
  readonly position: Position;
  readonly stream: number;
  /** It was acknowledged, so it must be on the disk. */
  isAcknowledged: boolean;
}

interface Held {
  readonly socket: WebSocket;
  readonly position: Position;
}

export function keyOf({ epoch, sequence }: Position): string {
  return `${epoch}/${sequence}`;
}

/**
 * A server that does what a schedule tells it to, and notes what a real one would have on its disk. What was written
 * and not acknowledged may be lost when it dies, as after a crash.
 */
export class ScriptedServer {
  /** Sentences about what must not happen and did. */
  readonly faults: string[] = [];
  acknowledges = true;
  /** Batches that came on a connection that had brought them before. */
  repeated = 0;
  url = '';
  readonly #listener = createServer();
  readonly #server = new WebSocketServer({
    server: this.#listener,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });
  readonly #sockets = new Set<Socket>();
  #isDead = false;
  #written: Written[] = [];
  #held: Held[] = [];
  #floor: Position = POSITION_ZERO;
  #lastAcknowledged: Position | undefined;

  async start(): Promise<void> {
    this.#listener.on('connection', (socket: Socket) => {
      if (this.#isDead) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('connection', (socket) => {
      this.#serve(socket);
    });
    await new Promise<void>((resolve) => this.#listener.listen(0, '127.0.0.1', resolve));
    this.url = `ws://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.die(false);
    await new Promise<void>((resolve) => {
      this.#listener.close(() => {
        resolve();
      });
    });
  }

  /**
   * Ends as after a SIGKILL. With `loses`, what was written last and not acknowledged is gone. Its port stays taken, so
   * that nobody else gets it; who comes meanwhile is sent away.
   */
  die(loses: boolean): void {
    this.#isDead = true;
    this.breakConnections();
    if (!loses) return;
    const last = this.#written.findLastIndex(({ isAcknowledged }) => isAcknowledged);
    this.#written.length = last + 1;
  }

  /** After die(). */
  live(): void {
    this.#isDead = false;
  }

  breakConnections(): void {
    this.#held = [];
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The socket is not read any more, or again. */
  reads(does: boolean): void {
    this.#server.clients.forEach((socket) => {
      if (does) socket.resume();
      else socket.pause();
    });
  }

  tell(state: StatusMessage['state']): void {
    this.#server.clients.forEach((socket) => {
      socket.send(encodeMessage({ type: 'status', state, reason: 'the schedule says so' }));
    });
  }

  /** Acknowledges up to `count` batches that wait for it: the newest first with `fromEnd`. */
  acknowledge(count: number, fromEnd = false): void {
    const start = fromEnd ? Math.max(0, this.#held.length - count) : 0;
    const some = this.#held.splice(start, count);
    if (fromEnd) some.reverse();
    for (const { socket, position } of some) {
      for (const written of this.#written) if (written.key === keyOf(position)) written.isAcknowledged = true;
      this.#lastAcknowledged = position;
      for (const ack of acksOf(position.epoch, [position.sequence])) socket.send(encodeMessage(ack));
    }
  }

  /** Acknowledges what it has acknowledged before, and what nobody has ever sent. */
  acknowledgeNonsense(): void {
    const known = this.#lastAcknowledged ?? { epoch: 1, sequence: 1_000_000 };
    this.#server.clients.forEach((socket) => {
      for (const ack of acksOf(known.epoch, [known.sequence])) socket.send(encodeMessage(ack));
      socket.send(encodeMessage({ type: 'ack', epoch: 1_000, ranges: [[1, 1_000_000]] }));
      socket.send(encodeMessage({ type: 'ack', epoch: 1, ranges: [[1_000_000, 2_000_000]] }));
    });
  }

  has(position: Position): boolean {
    const key = keyOf(position);
    return this.#written.some((written) => written.key === key);
  }

  hasAcknowledged(position: Position): boolean {
    const key = keyOf(position);
    return this.#written.some((written) => written.key === key && written.isAcknowledged);
  }

  #serve(socket: WebSocket): void {
    const brought = new Set<string>();
    // Unpacking takes its time, and what comes behind waits for it.
    let before = Promise.resolve();
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      assert(Buffer.isBuffer(data));
      before = before.then(async () => {
        const message = isCompressed(data) ? await decompressMessage(data) : data;
        if (socket.readyState === socket.OPEN) this.#receive(socket, message, brought);
      });
      before.catch((error: unknown) => this.faults.push(String(error)));
    });
  }

  #receive(socket: WebSocket, data: Buffer, brought: Set<string>): void {
    if (holdsBatches(data)) {
      for (const batch of decodeBatches(data)) this.#take(socket, batch, brought);
      if (this.acknowledges) this.acknowledge(Infinity);
      return;
    }
    const message = decodeMessage(data);
    if (message.type === 'hello') {
      const [compression] = message.compressions ?? [];
      const software = 'scripted server';
      const messageBytesMax = MESSAGE_BYTES_MAX;
      socket.send(encodeMessage({ type: 'welcome', protocol: 1, software, messageBytesMax, compression }));
    } else if (message.type === 'floor') {
      if (comparePositions(message, this.#floor) > 0) this.#floor = message;
    } else this.faults.push(`it was sent ${JSON.stringify(message)}`);
  }

  #take(socket: WebSocket, { epoch, sequence, stream }: Batch, brought: Set<string>): void {
    const position = { epoch, sequence };
    const key = keyOf(position);
    if (brought.has(key)) this.repeated += 1;
    brought.add(key);
    this.#held.push({ socket, position });
    // As the real server does: what is below the floor counts as applied.
    if (this.has(position) || comparePositions(position, this.#floor) < 0) return;
    const before = this.#written.findLast((written) => written.stream === stream);
    if (before !== undefined && comparePositions(position, before.position) < 0) {
      this.faults.push(`${key} of stream ${stream} came after ${before.key}`);
    }
    this.#written.push({ key, position, stream, isAcknowledged: false });
  }
}
