import { strict as assert } from 'node:assert';
import { WireError } from './errors.js';
import { ATTRIBUTES_BYTES_MAX, HOST_BYTES_MAX, NAMES_BYTES_MAX } from './limits.js';
import { packMap, unpackMap } from './msgpack.js';
import { routeFields, routeOf, type Route } from './route.js';

/** What all batches of a stream have in common. */
export interface Attributes {
  /** The file's path as bytes, relative to the mount. */
  path: Buffer;
  host: string;
  /** Undefined when it comes from its source itself. */
  route: Route | undefined;
}

/** Decoded attributes that are kept, so that streams that take turns are decoded once each. */
const CACHED_COUNT_MAX = 1024;

/** Longer attributes are decoded each time: the cache must stay below 1024 times twice this. */
const CACHED_BYTES_MAX = 4096;

/** What msgpack puts around path and host at least: a map, two keys, two lengths. */
const KEYS_BYTES = 1 + 5 + 2 + 5 + 1;

/** By the encoded bytes, the least recently used first. */
const cache = new Map<string, Attributes>();

/** Encodes the attributes of a stream; done once per stream, the result goes into each of its batches. */
export function encodeAttributes(attributes: {
  path: Buffer;
  host: string;
  route?: Route | undefined;
}): Buffer {
  const { path, host, route } = attributes;
  // Copied, because the encoder hands out pieces of a larger buffer that would be kept as long as the stream.
  const encoded = Buffer.from(packMap({ path, host, ...routeFields(route) }));
  const bytesMax = route === undefined ? NAMES_BYTES_MAX : ATTRIBUTES_BYTES_MAX;
  assert(encoded.length <= bytesMax, 'a path is too long to be sent');
  return encoded;
}

/** Decodes `bytes[start..end)`. Keys that are not known are ignored, so that later versions can add some. */
export function decodeAttributes(bytes: Buffer, start: number, end: number): Attributes {
  const cacheable = end - start <= CACHED_BYTES_MAX;
  const key = cacheable ? bytes.toString('latin1', start, end) : '';
  const cached = cacheable ? cache.get(key) : undefined;
  if (cached !== undefined) {
    // Moving an entry to the end costs as much as the look-up: it is left out while there is room for all.
    if (cache.size === CACHED_COUNT_MAX) {
      cache.delete(key);
      cache.set(key, cached);
    }
    return cached;
  }
  const decoded = decode(bytes.subarray(start, end));
  if (cacheable) remember(key, decoded);
  return decoded;
}

function decode(bytes: Buffer): Attributes {
  const map = unpackMap(bytes);
  const { path, host } = map;
  if (!(path instanceof Uint8Array) || path.length === 0) {
    throw new WireError('malformed', 'the attributes of a batch have no path');
  }
  if (typeof host !== 'string' || Buffer.byteLength(host) > HOST_BYTES_MAX) {
    throw new WireError('malformed', 'the attributes of a batch have no valid host');
  }
  const namesBytes = path.length + Buffer.byteLength(host) + KEYS_BYTES;
  if (namesBytes > NAMES_BYTES_MAX) {
    throw new WireError(
      'limit',
      `path and host of a batch take ${namesBytes} bytes: at most ${NAMES_BYTES_MAX} are allowed`,
    );
  }
  // Copied, because it lives longer than the message that it came in.
  return { path: Buffer.from(path), host, route: routeOf(map) };
}

function remember(key: string, attributes: Attributes): void {
  if (cache.size >= CACHED_COUNT_MAX) {
    const oldest = cache.keys().next();
    if (oldest.done !== true) cache.delete(oldest.value);
  }
  cache.set(key, attributes);
}
