import assert from 'node:assert/strict';
import { sleep, waitUntil } from '@k2hft/test-harness';
import type { Position } from '@k2hft/queue';
import { cursorsOf, Forwarder, type ForwarderServers, type SequenceRange } from '../../src/index.js';
import { cursorOfUrl, PACK_BYTES_MAX } from '../../src/settings.js';
import { PAYLOAD_BYTES_MAX, SERVERS, type Step, type Timed } from './delivery-schedule.js';
import { MemoryQueue } from './memory-queue.js';
import { keyOf, ScriptedServer } from './scripted-server.js';
import { settings } from './start-forwarder.js';

const WINDOW_BYTES = 8_000;
/** Header and attributes. */
const BATCH_OVERHEAD_BYTES = 200;
/** All that waits in a server's way ends within a second of it being well again; a machine may be slow. */
const DELIVERED_MS = 60_000;

const TUNING = {
  handshakeTimeoutMs: 5_000,
  heartbeatMs: 50,
  silentAfterMs: 400,
  ackTimeoutMs: 300,
  backoffMinMs: 1,
  backoffMaxMs: 10,
  loopRetryMs: 20,
  windowBytes: WINDOW_BYTES,
  bufferedBytesMax: 4_000,
};

/** Checks each acknowledgement against what the servers have. */
class CheckedQueue extends MemoryQueue {
  readonly faults: string[] = [];
  readonly #servers: readonly ScriptedServer[];
  readonly #dropped = new Set<string>();

  constructor(servers: readonly ScriptedServer[]) {
    super();
    this.#servers = servers;
  }

  override ack(cursor: string, epoch: number, ranges: SequenceRange[]): void {
    const may = this.#servers.filter(({ url }) => cursor === 'any' || cursor === cursorOfUrl(url));
    for (const [first, last] of ranges) {
      for (let sequence = first; sequence <= last; sequence++) {
        const position = { epoch, sequence };
        if (may.some((one) => one.hasAcknowledged(position)) || this.#dropped.has(keyOf(position))) continue;
        this.faults.push(`${keyOf(position)} is acknowledged for ${cursor} and on no disk`);
      }
    }
    super.ack(cursor, epoch, ranges);
  }

  /** As a full queue does with the oldest; nobody gets these. */
  drop(count: number, cursors: readonly string[]): void {
    const wanted = this.batches.filter(
      ({ position }) => !cursors.every((name) => this.#hasAcked(name, position)),
    );
    for (const { position } of wanted.slice(0, count)) {
      this.#dropped.add(keyOf(position));
      const { epoch, sequence } = position;
      for (const cursor of cursors) super.ack(cursor, epoch, [[sequence, sequence]]);
    }
  }

  wasDropped(position: Position): boolean {
    return this.#dropped.has(keyOf(position));
  }

  #hasAcked(cursor: string, { epoch, sequence }: Position): boolean {
    return this.floor(cursor, { epoch, sequence: sequence - 1 }).sequence !== sequence;
  }
}

/** Three servers, a queue and a forwarder, and what was seen of them that must not be. */
export class DeliveryScene {
  readonly servers: ScriptedServer[] = Array.from({ length: SERVERS }, () => new ScriptedServer());
  readonly queue = new CheckedQueue(this.servers);
  readonly faults: string[] = [];
  #forwarder: Forwarder | undefined;
  #chosen = settings([]);
  #isChanged = false;
  #wasRestarted = false;

  async start(chosen: Partial<ForwarderServers>): Promise<void> {
    for (const one of this.servers) await one.start();
    this.#chosen = settings(
      this.servers.map(({ url }) => url),
      chosen,
    );
    for (const cursor of cursorsOf(this.#chosen)) this.queue.addCursor(cursor);
    this.#startForwarder();
  }

  async run(schedule: readonly Timed[]): Promise<void> {
    for (const { step, thenMs } of schedule) {
      await this.#take(step);
      await sleep(thenMs);
      this.#look();
    }
    for (const one of this.servers) {
      one.live();
      one.reads(true);
      one.acknowledges = true;
      one.tell('accepting');
      one.acknowledge(Infinity);
    }
    this.queue.isUnreadable = false;
    this.forwarder.noticed();
    await waitUntil(
      'everything is acknowledged',
      () => {
        this.#look();
        return this.#isDelivered();
      },
      DELIVERED_MS,
    ).catch((error: unknown) => {
      this.faults.push(`${String(error)}: ${JSON.stringify(this.forwarder.status())}`);
    });
    this.#verify();
  }

  async end(): Promise<void> {
    await this.#forwarder?.stop(0);
    for (const one of this.servers) await one.stop();
  }

  get forwarder(): Forwarder {
    assert(this.#forwarder !== undefined, 'it is started');
    return this.#forwarder;
  }

  #startForwarder(): void {
    this.#forwarder = new Forwarder({
      queue: this.queue,
      servers: this.#chosen,
      host: 'test',
      software: 'k2hft test',
      log: () => undefined,
      tuning: TUNING,
    });
    this.#forwarder.start();
  }

  async #take(step: Step): Promise<void> {
    const one = 'server' in step ? this.servers[step.server] : undefined;
    switch (step.do) {
      case 'append':
        for (const size of step.sizes) {
          this.queue.append(Buffer.alloc(size, 'x'), { path: `${step.stream}.log`, stream: step.stream });
        }
        this.forwarder.noticed();
        return;
      case 'wait':
        return sleep(step.ms);
      case 'die':
        one?.die(step.loses);
        return;
      case 'live':
        one?.live();
        return;
      case 'break':
        one?.breakConnections();
        return;
      case 'read':
        one?.reads(step.does);
        return;
      case 'hold':
        if (one !== undefined) one.acknowledges = false;
        return;
      case 'acknowledge':
        one?.acknowledge(step.count, step.fromEnd);
        return;
      case 'acknowledge all':
        if (one !== undefined) one.acknowledges = true;
        one?.acknowledge(Infinity);
        return;
      case 'nonsense':
        one?.acknowledgeNonsense();
        return;
      case 'tell':
        one?.tell(step.state);
        return;
      case 'drop':
        this.queue.drop(step.count, this.forwarder.cursors);
        return;
      case 'readable':
        this.queue.isUnreadable = !step.is;
        return;
      case 'epoch':
        this.queue.nextEpoch();
        return;
      case 'servers': {
        this.#change({ urls: step.order.map((index) => this.servers[index]?.url ?? '') });
        return;
      }
      case 'away and back': {
        const { urls } = this.#chosen;
        const others = urls.filter((url) => url !== one?.url);
        if (others.length > 0) this.#change({ urls: others });
        this.#change({ urls });
        return;
      }
      case 'deliver': {
        this.#change({ deliver: step.deliver });
        return;
      }
      case 'compression': {
        this.#change({ compression: step.compression });
        return;
      }
      case 'restart': {
        this.#wasRestarted = true;
        await this.forwarder.stop(0);
        // As the next process does: what is not in its settings is forgotten, what is new begins with what is there.
        const wanted = cursorsOf(this.#chosen);
        for (const cursor of wanted) this.queue.addCursor(cursor);
        for (const cursor of this.forwarder.cursors)
          if (!wanted.includes(cursor)) this.queue.removeCursor(cursor);
        this.#startForwarder();
      }
    }
  }

  #change(changed: Partial<ForwarderServers>): void {
    this.#isChanged = true;
    this.#chosen = { ...this.#chosen, ...changed };
    this.forwarder.update(this.#chosen);
  }

  #look(): void {
    const packBytes = this.#chosen.lingerMs > 0 ? PACK_BYTES_MAX : 0;
    const bytesMax = WINDOW_BYTES + PAYLOAD_BYTES_MAX + BATCH_OVERHEAD_BYTES + packBytes;
    for (const { url, inFlight } of this.forwarder.status()) {
      if (inFlight.bytes > bytesMax) this.faults.push(`${url}: ${inFlight.bytes} bytes are in flight`);
    }
    const { faults } = this.queue;
    this.faults.push(...faults.splice(0), ...this.servers.flatMap((one) => one.faults.splice(0)));
  }

  #isDelivered(): boolean {
    const wanted = cursorsOf(this.#chosen);
    return wanted.every((cursor) => this.forwarder.cursors.includes(cursor) && this.queue.emptyFor(cursor));
  }

  #verify(): void {
    const isBroadcast = this.#chosen.deliver === 'broadcast' && !this.#isChanged;
    let doubled = 0;
    for (const { position } of this.queue.batches) {
      const places = this.servers.filter((one) => one.has(position)).length;
      const expected = isBroadcast ? SERVERS : 1;
      if (places < expected && !this.queue.wasDropped(position)) {
        this.faults.push(`${keyOf(position)} is on ${places} servers`);
      }
      doubled += Math.max(0, places - 1);
    }
    if (this.#isChanged || this.#wasRestarted) return;
    const handedOver = this.forwarder.handedOver();
    if (!isBroadcast && doubled > handedOver) {
      this.faults.push(`${doubled} are on two servers, ${handedOver} were counted`);
    }
    const repeated = this.servers.reduce((sum, one) => sum + one.repeated, 0);
    if (repeated > handedOver) this.faults.push(`${repeated} went twice to one server`);
  }
}
