import { WireError } from './errors.js';
import { STAGES_MAX } from './limits.js';

/**
 * Which way a batch has come that does not come from its source itself. Streams are told apart by the source's UUID and the
 * stream's number, which relays leave as they are: so a stream stays one stream whichever relays its batches
 * go through, and relays need not remember streams.
 */
export interface Route {
  /** UUID of the source's queue. */
  readonly origin: string;
  /** UUIDs of the relays' queues, oldest first; at least one, at most {@link STAGES_MAX}. */
  readonly via: readonly string[];
}

const UUID_BYTES = 16;

function uuidToBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function uuidOfBytes(bytes: unknown): string {
  if (!(bytes instanceof Uint8Array) || bytes.length !== UUID_BYTES) {
    throw new WireError(
      'malformed',
      `the route of a batch holds something else than UUIDs of ${UUID_BYTES} bytes`,
    );
  }
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The keys of the attributes that a route makes; none at the source. */
export function routeFields(route: Route | undefined): Record<string, unknown> {
  return route === undefined
    ? {}
    : { origin: uuidToBytes(route.origin), via: route.via.map((uuid) => uuidToBytes(uuid)) };
}

/** The route in decoded attributes. Throws {@link WireError}. */
export function routeOf({ origin, via }: Readonly<Record<string, unknown>>): Route | undefined {
  if (origin === undefined && via === undefined) return undefined;
  if (!Array.isArray(via) || via.length === 0)
    throw new WireError(
      'malformed',
      'the attributes of a batch have an origin and no relays, or the reverse',
    );
  if (via.length > STAGES_MAX) {
    throw new WireError(
      'limit',
      `a batch that came through ${via.length} relays: at most ${STAGES_MAX} are allowed`,
    );
  }
  return { origin: uuidOfBytes(origin), via: via.map((uuid: unknown) => uuidOfBytes(uuid)) };
}
