import { encodeAttributes } from './attributes.js';
import { BATCH_PREFIX_BYTES, BatchFlag, writeBatchHeader, type Batch } from './batch.js';
import type { Route } from './route.js';

/** What is true of a batch wherever it is; the others are between a source and its own queue. */
const LASTING_FLAGS = BatchFlag.BINARY | BatchFlag.ENDS_OPEN | BatchFlag.STREAM_END | BatchFlag.OVERWRITE;

/** A batch as it was received, and the UUID of the queue that it came from. */
export interface Received {
  readonly batch: Batch;
  readonly source: string;
}

/**
 * Makes batches of a relay's own out of received ones: with positions of the relay's queue, and with the origin's host, path,
 * stream, writer and time. Attributes are encoded once per stream that is known to the decoder.
 */
export class BatchRelay {
  readonly #relay: string;
  /** By the path object, which the batches of a stream share. */
  readonly #attributes = new WeakMap<Buffer, { source: string; encoded: Buffer }>();

  /** @param relay UUID of the relay's queue */
  constructor(relay: string) {
    this.#relay = relay;
  }

  /** Bytes of the relayed batch. */
  size(received: Received): number {
    return BATCH_PREFIX_BYTES + this.#attributesOf(received).length + received.batch.payload.length;
  }

  /** Writes the relayed batch to `target[start..)`, where there is room for {@link size}; returns where it ends. */
  write(target: Buffer, start: number, received: Received, epoch: number, sequence: number): number {
    const { batch } = received;
    const attributes = this.#attributesOf(received);
    const payloadStart = start + BATCH_PREFIX_BYTES + attributes.length;
    const end = payloadStart + batch.payload.copy(target, payloadStart);
    const { stream, recordCount, timeSeconds, timeNanos, pid, uid, gid } = batch;
    const flags = batch.flags & LASTING_FLAGS;
    const fields = { epoch, sequence, stream, flags, recordCount, timeSeconds, timeNanos, pid, uid, gid };
    writeBatchHeader(target, payloadStart, end, fields, attributes);
    return end;
  }

  #attributesOf({ batch, source }: Received): Buffer {
    const known = this.#attributes.get(batch.path);
    if (known?.source === source) return known.encoded;
    const { path, host, route } = batch;
    const encoded = encodeAttributes({ path, host, route: lengthened(route, source, this.#relay) });
    this.#attributes.set(path, { source, encoded });
    return encoded;
  }
}

function lengthened(route: Route | undefined, source: string, relay: string): Route {
  return route === undefined
    ? { origin: source, via: [relay] }
    : { origin: route.origin, via: [...route.via, relay] };
}
