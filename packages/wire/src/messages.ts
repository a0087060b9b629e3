import { strict as assert } from 'node:assert';
import { BATCH_MAGIC } from './batch.js';
import { WireError } from './errors.js';
import { choice, count, optionalText, optionalTexts, position, text, textOfBytes, uuid } from './fields.js';
import {
  CONTROL_BYTES_MAX,
  HOST_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PROTOCOL_VERSION,
  RANGES_MAX,
} from './limits.js';
import { packMap, unpackMap } from './msgpack.js';

/*
 * A WebSocket message is binary and is either batches, one after the other (its first byte is BATCH_MAGIC), or
 * one control message: CONTROL_MAGIC, then a msgpack map with a `type`. Keys that are not known are ignored.
 */
const CONTROL_MAGIC = 0x01;

/** First message of a connection, from the source. */
export interface HelloMessage {
  type: 'hello';
  protocol: number;
  /** UUID of the queue that the batches come from. */
  source: string;
  /** The epoch that new batches get; older ones may follow from a queue that was not empty. */
  epoch: number;
  host: string;
  /** Name and version, for logs. */
  software: string;
  token?: string | undefined;
  /** Compressions that the source would like, the best first; absent: none. */
  compressions?: string[] | undefined;
}

/** The server's answer to a hello that it accepts. */
export interface WelcomeMessage {
  type: 'welcome';
  protocol: number;
  software: string;
  /** Longest message that the server takes. */
  messageBytesMax: number;
  /** The one of the hello's compressions that batches may come in; absent: none. */
  compression?: string | undefined;
}

/**
 * From the source: everything below this position will never be sent on this connection or a later one, because
 * it was acknowledged or given up. The server may forget it, and counts it as applied. The position itself is not included.
 */
export interface FloorMessage {
  type: 'floor';
  epoch: number;
  sequence: number;
}

/** From the server: these batches are on disk. Ranges include both ends, ascend and do not overlap. */
export interface AckMessage {
  type: 'ack';
  epoch: number;
  ranges: [first: number, last: number][];
}

/** From either side, before it closes the connection. `message` is a sentence for the operator of the other side. */
export interface ErrorMessage {
  type: 'error';
  /** 'protocol', 'token', 'malformed', 'busy' …; others may come from later versions. */
  code: string;
  message: string;
}

/** From the server, after the welcome and at every change. Without it a server is accepting. */
export interface StatusMessage {
  type: 'status';
  /** `full`: nothing more is acknowledged until there is room; `draining`: the server is about to end. */
  state: 'accepting' | 'full' | 'draining';
  /** A sentence, or empty. */
  reason: string;
}

export type ControlMessage =
  HelloMessage | WelcomeMessage | FloorMessage | AckMessage | ErrorMessage | StatusMessage;

/** True when the message holds batches: decode it with `decodeBatches`; otherwise with {@link decodeMessage}. */
export function holdsBatches(message: Buffer): boolean {
  return message[0] === BATCH_MAGIC;
}

/** Encodes a control message. An ack may hold RANGES_MAX ranges: `acksOf` splits longer ones. */
export function encodeMessage(message: ControlMessage): Buffer {
  assert(message.type !== 'ack' || message.ranges.length <= RANGES_MAX, 'an ack with too many ranges');
  const map = packMap({ ...message });
  const encoded = Buffer.allocUnsafe(1 + map.length);
  encoded.writeUInt8(CONTROL_MAGIC, 0);
  map.copy(encoded, 1);
  return encoded;
}

/**
 * Decodes and validates a control message. Throws {@link WireError}; for a hello or welcome of another protocol
 * with the code `protocol` and a message that can be sent to the peer and logged as it is.
 */
export function decodeMessage(bytes: Buffer): ControlMessage {
  if (bytes.length > CONTROL_BYTES_MAX) {
    throw new WireError(
      'limit',
      `a control message of ${bytes.length} bytes: at most ${CONTROL_BYTES_MAX} are allowed`,
    );
  }
  if (bytes[0] !== CONTROL_MAGIC)
    throw new WireError('malformed', 'a message that is neither batches nor control');
  const map = unpackMap(bytes.subarray(1));
  const type = text(map, 'type');
  switch (type) {
    case 'hello':
      return hello(map);
    case 'welcome':
      return welcome(map);
    case 'floor':
      return { type, epoch: count(map, 'epoch'), sequence: position(map, 'sequence') };
    case 'ack':
      return { type, epoch: count(map, 'epoch'), ranges: ranges(map['ranges']) };
    case 'error':
      return { type, code: text(map, 'code'), message: text(map, 'message') };
    case 'status':
      return {
        type,
        state: choice(map, 'state', ['accepting', 'full', 'draining']),
        reason: text(map, 'reason'),
      };
    default:
      throw new WireError('malformed', `a message of the unknown type "${type}"`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function hello(map: Fields): HelloMessage {
  const protocol = count(map, 'protocol');
  if (protocol !== PROTOCOL_VERSION) {
    throw new WireError('protocol', protocolRefusal(PROTOCOL_VERSION, protocol));
  }
  return {
    type: 'hello',
    protocol,
    source: uuid(map, 'source'),
    epoch: count(map, 'epoch'),
    host: textOfBytes(map, 'host', HOST_BYTES_MAX),
    software: text(map, 'software'),
    token: optionalText(map, 'token'),
    compressions: optionalTexts(map, 'compressions'),
  };
}

function welcome(map: Fields): WelcomeMessage {
  const protocol = count(map, 'protocol');
  if (protocol !== PROTOCOL_VERSION) {
    throw new WireError('protocol', protocolRefusal(protocol, PROTOCOL_VERSION));
  }
  const messageBytesMax = position(map, 'messageBytesMax');
  if (messageBytesMax > MESSAGE_BYTES_MAX)
    throw new WireError('limit', 'a server that takes too long messages');
  const compression = optionalText(map, 'compression');
  return { type: 'welcome', protocol, software: text(map, 'software'), messageBytesMax, compression };
}

/** What both sides log when their protocols differ. */
function protocolRefusal(server: number, source: number): string {
  const older = server < source ? 'server' : 'source';
  return `this server speaks protocol ${server}, the source speaks protocol ${source}: upgrade the k2hft of the ${older}`;
}

function ranges(value: unknown): [first: number, last: number][] {
  if (!Array.isArray(value)) throw new WireError('malformed', 'an ack without ranges');
  if (value.length > RANGES_MAX) {
    throw new WireError('limit', `an ack of ${value.length} ranges: at most ${RANGES_MAX} are allowed`);
  }
  let previousLast = -1;
  return value.map((range: unknown) => {
    const [first, last] = Array.isArray(range) && range.length === 2 ? (range as unknown[]) : [];
    if (!isPosition(first) || !isPosition(last) || first > last || first <= previousLast) {
      throw new WireError('malformed', 'an ack whose ranges do not ascend');
    }
    previousLast = last;
    return [first, last];
  });
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
