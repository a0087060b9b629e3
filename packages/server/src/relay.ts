import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, ServerSettings } from '@k2hft/config';
import { cursorsOf, Forwarder, ForwarderError } from '@k2hft/forwarder';
import { DirectQueue, lockQueue, QueueError, type QueueLock } from '@k2hft/queue';
import { inspectBatch } from '@k2hft/wire';
import { messageOf, ServerError, systemCode } from './errors.js';
import type { SinkContext } from './open-sinks.js';
import { RelaySink } from './relay-sink.js';
import type { SinkFigures } from './sink.js';

type RelaySettings = NonNullable<ServerSettings['relay']>;

/** How often it is tried again to begin while there is no room. */
const RETRY_MS = 1000;

/**
 * Of the time that the server has to end: what is left to the next servers to acknowledge what they were sent. The rest is in
 * the queue, where it keeps.
 */
const FORWARDER_GRACE_MS = 1000;

/** A relay as a whole: its queue with the lock of its directory, the sink that fills it and the forwarder that empties it. */
export class Relay extends RelaySink {
  readonly #queue: DirectQueue;
  readonly #forwarder: Forwarder;
  readonly #lock: QueueLock;
  readonly #whenFull: string;

  private constructor(
    queue: DirectQueue,
    forwarder: Forwarder,
    lock: QueueLock,
    settings: RelaySettings,
    log: Log,
  ) {
    const stored = (): void => {
      forwarder.noticed();
    };
    super({ queue, settings: settings.queue, log, stored });
    this.#queue = queue;
    this.#forwarder = forwarder;
    this.#lock = lock;
    this.#whenFull = settings.queue.whenFull;
  }

  /** Waits for room. Throws {@link ServerError} for settings or a queue that cannot be used. */
  static async open(settings: RelaySettings, context: SinkContext): Promise<Relay> {
    const { log, software } = context;
    const lock = await lockQueue(settings.queue.dir, 'k2hft-svr, as a relay').catch(asServerError);
    const queue = await openQueue(settings, context);
    const forwarder = makeForwarder({ queue, servers: settings.servers, host: hostname(), software, log });
    forwarder.start();
    return new Relay(queue, forwarder, lock, settings, log);
  }

  figures(): SinkFigures {
    const { cursors, hotBytes, storeBytes, lost } = this.#queue.statistics();
    // What was dropped to make room is among the queue's losses; what was not taken at all never came into it.
    const dropped = this.#whenFull === 'drop_newest' ? { drop_newest: this.given } : {};
    return {
      relay: {
        queue: { cursors, hotBytes, storeBytes, lost: { ...lost, ...dropped } },
        servers: this.#forwarder.status(),
        handedOver: this.#forwarder.handedOver(),
        damaged: this.#forwarder.damaged(),
      },
    };
  }

  /** Servers that stay keep their connections. The queue stays as it is. */
  reopen({ relay }: ServerSettings): void {
    if (relay !== undefined) this.#forwarder.update(relay.servers);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#forwarder.stop(FORWARDER_GRACE_MS);
    await this.#queue.close();
    await this.#lock.release();
  }
}

/** Opening a queue on a full disk is refused: then it is tried again until there is room. */
async function openQueue(settings: RelaySettings, { log, signal }: SinkContext): Promise<DirectQueue> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await DirectQueue.open({
        dir: settings.queue.dir,
        settings: settings.queue,
        cursors: cursorsOf(settings.servers),
        inspect: inspectBatch,
        onFault: ({ message }) => {
          log('error', `relay: ${message}`);
        },
      });
    } catch (error) {
      if (!(error instanceof QueueError) || error.code !== 'no_room') return asServerError(error);
      if (isFirst) log('error', `relay: ${error.message}; waiting until there is room`);
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

function makeForwarder(options: ConstructorParameters<typeof Forwarder>[0]): Forwarder {
  try {
    return new Forwarder(options);
  } catch (error) {
    return asServerError(error);
  }
}

function asServerError(error: unknown): never {
  if (error instanceof ForwarderError)
    throw new ServerError('relay_settings', `relay.${error.message}`, { cause: error });
  if (['EACCES', 'EPERM'].includes(systemCode(error) ?? ''))
    throw new ServerError('permission', `relay.queue: ${messageOf(error)}`, { cause: error });
  if (!(error instanceof QueueError)) throw error;
  const code = error.code === 'locked' ? 'relay_locked' : 'relay_queue';
  throw new ServerError(code, `relay.queue: ${messageOf(error)}`, { cause: error });
}
