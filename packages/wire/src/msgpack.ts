import { Packr, Unpackr } from 'msgpackr';
import { WireError } from './errors.js';
import { checkMsgpack } from './msgpack-check.js';

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/** Encodes a map with text keys. Keys whose value is undefined are left out. */
export function packMap(map: Readonly<Record<string, unknown>>): Buffer {
  const present = Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined));
  return packr.pack(present);
}

/** Decodes a map from bytes that anybody may have sent. Throws {@link WireError} and nothing else. */
export function unpackMap(bytes: Buffer): Readonly<Record<string, unknown>> {
  checkMsgpack(bytes);
  let value: unknown;
  try {
    value = unpackr.unpack(bytes);
  } catch (error) {
    throw new WireError('malformed', 'a msgpack map that cannot be decoded', { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new WireError('malformed', 'msgpack that is no map');
  }
  return value as Record<string, unknown>;
}
