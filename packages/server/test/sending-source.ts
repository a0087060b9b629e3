import { Forwarder, type ForwarderServers, type QueuedBatch, type QueueSource } from '@k2hft/forwarder';
import { undoAtEnd, waitUntil, type Cleanup } from '@k2hft/test-harness';
import { makeBatch, SOURCE_A } from './source-client.js';

const EPOCH = 1;

/** A queue in memory, whose batches are lines of one file. */
class LineQueue implements QueueSource {
  readonly source: string;
  readonly #host: string;
  readonly #batches: QueuedBatch[] = [];
  #acknowledged = 0;
  readonly #early = new Set<number>();

  constructor(source: string, host: string) {
    this.source = source;
    this.#host = host;
  }

  append(payload: string): void {
    const sequence = this.#batches.length + 1;
    const bytes = makeBatch({ epoch: EPOCH, sequence, host: this.#host, payload });
    this.#batches.push({ position: { epoch: EPOCH, sequence }, bytes });
  }

  get isEmpty(): boolean {
    return this.#acknowledged === this.#batches.length;
  }

  epoch(): number {
    return EPOCH;
  }

  read(_cursor: string, after: { sequence: number }, bytesMax: number, countMax: number): QueuedBatch[] {
    const read: QueuedBatch[] = [];
    let bytes = 0;
    for (const batch of this.#batches.slice(Math.max(after.sequence, this.#acknowledged))) {
      bytes += batch.bytes.length;
      if (read.length > 0 && (bytes > bytesMax || read.length === countMax)) break;
      if (!this.#early.has(batch.position.sequence)) read.push(batch);
    }
    return read;
  }

  ack(_cursor: string, _epoch: number, ranges: [first: number, last: number][]): void {
    for (const [first, last] of ranges) for (let at = first; at <= last; at++) this.#early.add(at);
    while (this.#early.delete(this.#acknowledged + 1)) this.#acknowledged++;
  }

  floor(): { epoch: number; sequence: number } {
    return { epoch: EPOCH, sequence: this.#acknowledged + 1 };
  }

  hasNew(after: { sequence: number }): boolean {
    return after.sequence < this.#batches.length;
  }

  addCursor(): void {
    // There is only one.
  }

  removeCursor(): void {
    // It stays.
  }

  noticed(): void {
    // It is all in memory.
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }
}

export interface SendingSource {
  /** Lines "level: message" of its log. */
  readonly logged: string[];
  readonly forwarder: Forwarder;
  append(payload: string): void;
  /** Waits until everything is acknowledged. */
  delivered(): Promise<void>;
  /** Waits until a line of its log says so. */
  says(expected: RegExp): Promise<void>;
}

export interface SourceOptions {
  url: string;
  servers?: Partial<ForwarderServers>;
  host?: string;
  source?: string;
}

/** The real forwarder, as it is in a mount, with a queue in memory. */
export function startSource(context: Cleanup, options: SourceOptions): SendingSource {
  const { url, servers = {}, host = 'host1', source = SOURCE_A } = options;
  const queue = new LineQueue(source, host);
  const settings: ForwarderServers = {
    deliver: 'failover',
    urls: [url],
    failoverAfterMs: 60_000,
    tokenFile: undefined,
    tls: undefined,
    compression: 'none',
    lingerMs: 0,
    lingerRecords: 0,
    ...servers,
  };
  const logged: string[] = [];
  const forwarder = new Forwarder({
    queue,
    servers: settings,
    host,
    software: 'test',
    log: (level, message) => logged.push(`${level}: ${message}`),
    tuning: { backoffMinMs: 20, backoffMaxMs: 200 },
  });
  undoAtEnd(context, () => forwarder.stop(0));
  forwarder.start();
  return {
    logged,
    forwarder,
    append(payload) {
      queue.append(payload);
      forwarder.noticed();
    },
    delivered: () => waitUntil('everything is acknowledged', () => queue.isEmpty),
    async says(expected) {
      const isSaid = (): boolean => logged.some((line) => expected.test(line));
      await waitUntil(`the source says ${String(expected)}`, isSaid).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${logged.join('\n')}`, { cause: error });
      });
    },
  };
}
