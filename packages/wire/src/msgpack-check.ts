import { WireError } from './errors.js';

/** An ack is a map of an array of arrays. */
const DEPTH_MAX = 4;

/**
 * Walks msgpack before it is decoded. The decoder allocates what a length announces: five bytes can ask for an
 * array of four thousand million elements, and extension types run code. So only maps, arrays, text, bytes, nil,
 * booleans and numbers pass, lengths must fit the bytes that are there, and the value must end with them.
 */
export function checkMsgpack(bytes: Buffer): void {
  const end = checkValue(bytes, 0, DEPTH_MAX);
  if (end !== bytes.length)
    throw new WireError('malformed', `${bytes.length - end} bytes behind a msgpack value`);
}

/** Checks the value at `offset` and returns where it ends. */
function checkValue(bytes: Buffer, offset: number, depthLeft: number): number {
  const token = byteAt(bytes, offset);
  if (token <= 0x7f || token >= 0xe0) return offset + 1;
  if (token <= 0x8f) return checkMany(bytes, offset + 1, 2 * (token & 0x0f), depthLeft);
  if (token <= 0x9f) return checkMany(bytes, offset + 1, token & 0x0f, depthLeft);
  if (token <= 0xbf) return skip(bytes, offset + 1, token & 0x1f);
  switch (token) {
    case 0xc0: // nil, false, true
    case 0xc2:
    case 0xc3:
      return offset + 1;
    case 0xc4: // bin 8, str 8
    case 0xd9:
      return skip(bytes, offset + 2, lengthAt(bytes, offset + 1, 1));
    case 0xc5: // bin 16, str 16
    case 0xda:
      return skip(bytes, offset + 3, lengthAt(bytes, offset + 1, 2));
    case 0xc6: // bin 32, str 32
    case 0xdb:
      return skip(bytes, offset + 5, lengthAt(bytes, offset + 1, 4));
    case 0xcc: // integers of 1, 2, 4 and 8 bytes, floats of 4 and 8
    case 0xd0:
      return skip(bytes, offset + 1, 1);
    case 0xcd:
    case 0xd1:
      return skip(bytes, offset + 1, 2);
    case 0xca:
    case 0xce:
    case 0xd2:
      return skip(bytes, offset + 1, 4);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return skip(bytes, offset + 1, 8);
    case 0xdc: // array 16, array 32
      return checkMany(bytes, offset + 3, lengthAt(bytes, offset + 1, 2), depthLeft);
    case 0xdd:
      return checkMany(bytes, offset + 5, lengthAt(bytes, offset + 1, 4), depthLeft);
    case 0xde: // map 16, map 32
      return checkMany(bytes, offset + 3, 2 * lengthAt(bytes, offset + 1, 2), depthLeft);
    case 0xdf:
      return checkMany(bytes, offset + 5, 2 * lengthAt(bytes, offset + 1, 4), depthLeft);
    default:
      throw new WireError('malformed', `msgpack of a type that has no place here: 0x${token.toString(16)}`);
  }
}

function checkMany(bytes: Buffer, offset: number, count: number, depthLeft: number): number {
  if (depthLeft === 0) throw new WireError('malformed', `msgpack that is deeper than ${DEPTH_MAX}`);
  // Each value takes at least one byte.
  let next = offset;
  skip(bytes, offset, count);
  for (let index = 0; index < count; index += 1) next = checkValue(bytes, next, depthLeft - 1);
  return next;
}

function skip(bytes: Buffer, offset: number, length: number): number {
  if (offset + length > bytes.length) throw new WireError('truncated', 'msgpack that ends too early');
  return offset + length;
}

function lengthAt(bytes: Buffer, offset: number, width: number): number {
  skip(bytes, offset, width);
  return bytes.readUIntBE(offset, width);
}

function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new WireError('truncated', 'msgpack that ends too early');
  return byte;
}
