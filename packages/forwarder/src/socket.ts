import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { CONTROL_BYTES_MAX } from '@k2hft/wire';
import { WebSocket, type ClientOptions } from 'ws';
import { ADDRESS_TIMEOUT_MS } from './addresses.js';
import { systemAuthorities } from './authorities.js';
import type { ForwarderServers } from './settings.js';

/**
 * A longer message goes in fragments of this size, so that the progress of sending it shows, and pings pass
 * between them, on a slow line.
 */
const FRAGMENT_BYTES_MAX = 1024 * 1024;

/** Opens a WebSocket to a server. Throws when a file that the settings name cannot be read. */
export function openSocket(url: string, tls: ForwarderServers['tls'], lookup: LookupFunction): WebSocket {
  // What ws does not know goes on to net.connect().
  const options: ClientOptions & { lookup: LookupFunction; autoSelectFamilyAttemptTimeout: number } = {
    lookup,
    autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS,
    perMessageDeflate: false,
    // Servers send control messages only.
    maxPayload: CONTROL_BYTES_MAX,
    followRedirects: false,
    // Masking is against proxies that take a browser's data for their own protocol. A mask of zeros, which is
    // what is in the buffer when nothing is written there, saves a pass over every byte.
    generateMask: () => undefined,
  };
  if (url.startsWith('wss:')) {
    options.minVersion = 'TLSv1.2';
    // Whatever the environment says: a server that does not prove its name gets nothing.
    options.rejectUnauthorized = true;
    options.ca = tls?.ca === undefined ? systemAuthorities() : readFileSync(tls.ca);
  }
  if (tls?.cert !== undefined) options.cert = readFileSync(tls.cert);
  if (tls?.key !== undefined) options.key = readFileSync(tls.key);
  return new WebSocket(url, options);
}

/** Sends one message; `sent` is called when the kernel has taken it all. */
export function sendMessage(socket: WebSocket, message: Buffer, sent: () => void): void {
  let offset = 0;
  for (; message.length - offset > FRAGMENT_BYTES_MAX; offset += FRAGMENT_BYTES_MAX) {
    socket.send(message.subarray(offset, offset + FRAGMENT_BYTES_MAX), { binary: true, fin: false });
  }
  socket.send(message.subarray(offset), { binary: true, fin: true }, sent);
}

/** A longer answer is none that is meant for people. */
const ANSWER_BYTES_MAX = 1024;

/** Reads what a server says that answers with HTTP instead of a WebSocket, up to a sensible length. */
export function readAnswer(response: IncomingMessage, done: (answer: string) => void): void {
  let text = '';
  const finish = (): void => {
    const body = text.slice(0, ANSWER_BYTES_MAX).trim();
    done(`HTTP ${response.statusCode ?? 0}${body === '' ? '' : `: ${body}`}`);
  };
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > ANSWER_BYTES_MAX) finish();
  });
  response.on('end', finish);
  response.on('error', finish);
}

/** How long the other side may take to answer that we close. */
const CLOSE_TIMEOUT_MS = 500;

/** Closes politely: what was sent before still goes out. */
export function closeSocket(socket: WebSocket, code: number): void {
  socket.close(code);
  const timer = setTimeout(() => {
    socket.terminate();
  }, CLOSE_TIMEOUT_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
}
