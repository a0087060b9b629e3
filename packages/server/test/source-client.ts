import { once } from 'node:events';
import {
  BATCH_PREFIX_BYTES,
  BatchFlag,
  decodeMessage,
  encodeAttributes,
  encodeMessage,
  PROTOCOL_VERSION,
  writeBatchHeader,
  type BatchFields,
  type ControlMessage,
} from '@k2hft/wire';
import { waitUntil } from '@k2hft/test-harness';
import { WebSocket } from 'ws';

export const SOURCE_A = '00000000-0000-4000-8000-00000000000a';
export const SOURCE_B = '00000000-0000-4000-8000-00000000000b';

export interface BatchToSend extends Partial<BatchFields> {
  path?: string | Buffer;
  host?: string;
  payload?: string | Buffer;
}

/** One batch as it is on the wire; what is not given is made up. */
export function makeBatch(batch: BatchToSend): Buffer {
  const payload = Buffer.from(batch.payload ?? '');
  const attributes = encodeAttributes({
    path: Buffer.from(batch.path ?? 'a.log'),
    host: batch.host ?? 'host1',
  });
  const start = BATCH_PREFIX_BYTES + attributes.length;
  const bytes = Buffer.alloc(start + payload.length);
  payload.copy(bytes, start);
  const endsOpen = payload.length > 0 && payload.at(-1) !== 10;
  writeBatchHeader(
    bytes,
    start,
    bytes.length,
    {
      epoch: 1,
      sequence: 1,
      stream: 1,
      flags: endsOpen ? BatchFlag.ENDS_OPEN : 0,
      recordCount: 1,
      timeSeconds: 1_700_000_000,
      timeNanos: 5,
      pid: 42,
      uid: 1000,
      gid: 100,
      ...batch,
    },
    attributes,
  );
  return bytes;
}

/** A small source: it sends what it is told to, and remembers what it is answered. */
export class SourceClient {
  readonly socket: WebSocket;
  readonly received: ControlMessage[] = [];
  /** Acknowledged positions as "epoch/sequence". */
  readonly acknowledged = new Set<string>();
  closeCode: number | undefined;

  private constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on('message', (data: Buffer) => {
      this.#note(decodeMessage(data));
    });
    this.socket.on('close', (code) => {
      this.closeCode = code;
    });
    this.socket.on('error', () => undefined);
  }

  /** Connects without a hello. */
  static async open(url: string): Promise<SourceClient> {
    const client = new SourceClient(url);
    await Promise.race([
      once(client.socket, 'open'),
      once(client.socket, 'close').then(() => {
        throw new Error(`cannot connect to ${url}`);
      }),
    ]);
    return client;
  }

  /** Connects and says hello. Throws when the server ends the connection instead of answering. */
  static async connect(url: string, source = SOURCE_A, epoch = 1): Promise<SourceClient> {
    const client = await SourceClient.open(url);
    client.tell({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      source,
      epoch,
      host: 'host1',
      software: 'test',
    });
    const isWelcome = (): boolean => client.received.some(({ type }) => type === 'welcome');
    await waitUntil('the welcome', () => isWelcome() || client.closeCode !== undefined);
    if (!isWelcome()) throw new Error(`${url} has ended the connection`);
    return client;
  }

  tell(message: ControlMessage): void {
    this.socket.send(encodeMessage(message));
  }

  send(...batches: BatchToSend[]): void {
    this.socket.send(Buffer.concat(batches.map(makeBatch)));
  }

  /** Sends batches with the sequences that follow each other from `first`, and waits for all acknowledgements. */
  async deliver(first: number, ...batches: BatchToSend[]): Promise<void> {
    this.send(...batches.map((batch, index) => ({ sequence: first + index, ...batch })));
    // Files become safe at different times, so the last one may be acknowledged first.
    for (const [index, { epoch }] of batches.entries()) await this.acknowledges(first + index, epoch);
  }

  async acknowledges(sequence: number, epoch = 1): Promise<void> {
    await waitUntil(`the acknowledgement of ${epoch}/${sequence}`, () =>
      this.acknowledged.has(`${epoch}/${sequence}`),
    );
  }

  messages<T extends ControlMessage['type']>(type: T): Extract<ControlMessage, { type: T }>[] {
    return this.received.filter(
      (message): message is Extract<ControlMessage, { type: T }> => message.type === type,
    );
  }

  /** Waits until this is what the server has said last of its state. */
  async told(state: 'accepting' | 'full' | 'draining'): Promise<void> {
    await waitUntil(`the status ${state}`, () => this.messages('status').at(-1)?.state === state);
  }

  async closed(): Promise<number> {
    await waitUntil('the end of the connection', () => this.closeCode !== undefined);
    return this.closeCode ?? 0;
  }

  close(): void {
    this.socket.terminate();
  }

  #note(message: ControlMessage): void {
    this.received.push(message);
    if (message.type !== 'ack') return;
    for (const [first, last] of message.ranges) {
      for (let sequence = first; sequence <= last; sequence++)
        this.acknowledged.add(`${message.epoch}/${sequence}`);
    }
  }
}
