import { Refused, scalar, text } from './scalar-types.js';
import type { ValueType } from './reading.js';

/** The address of a server: where a source connects to. Kept as written. */
export const serverUrl = webSocketUrl('a URL such as ws://host:8020 or wss://host:8020', false);

/** What is wrong with the URL of a server; undefined: nothing. */
export function serverUrlFault(found: string): string | undefined {
  const url = parseWebSocketUrl(found, false);
  if (typeof url === 'string') return undefined;
  const reason = url === undefined ? '' : `: ${url.reason}`;
  return `expected ${serverUrl.expected}, found ${JSON.stringify(found)}${reason}`;
}

/** The address that a server listens on; port 0 lets the system choose. Kept as written. */
export const listenUrl = webSocketUrl(
  'a URL to listen on, such as ws://0.0.0.0:8020 or wss://0.0.0.0:8020',
  true,
);

function webSocketUrl(expected: string, portZero: boolean): ValueType<string> {
  return scalar({
    expected,
    parse: (found) => parseWebSocketUrl(found, portZero),
    format: (value) => value,
  });
}

function parseWebSocketUrl(found: string, portZero: boolean): string | Refused | undefined {
  if (!/^wss?:\/\/\S+$/.test(found) || !URL.canParse(found)) return undefined;
  const url = new URL(found);
  if (url.username !== '' || url.password !== '') return new Refused('a secret belongs into the token file');
  if (url.hash !== '') return new Refused('a part after # has no meaning here');
  if (url.port === '0' && !portZero) return new Refused('nothing can be reached on port 0');
  return found;
}

/** RFC 1035 allows 253; the name is also part of file names, which may have 255 bytes. */
const HOST_NAME_BYTES_MAX = 253;

/**
 * The name that records carry. It becomes part of file names on the server, so whatever could lead out of a
 * folder is refused; beyond that it may be any word.
 */
export const hostName: ValueType<string> = text('a host name', (found) => {
  if (Buffer.byteLength(found) > HOST_NAME_BYTES_MAX)
    return new Refused(`longer than ${HOST_NAME_BYTES_MAX} bytes`);
  if (/[\s/\p{Cc}]/u.test(found)) return new Refused('a blank, a slash or a control character');
  return /^\.+$/.test(found) ? new Refused('only dots') : undefined;
});
