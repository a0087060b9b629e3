import { isIP } from 'node:net';

/**
 * Whether a request may be answered by its Host header. Who listens on loopback is meant for this host alone; but a page
 * from elsewhere can have its own name resolve to 127.0.0.1, and would then read what is here as if it were its own. Its requests
 * carry that name: only addresses and `localhost` are answered. Elsewhere any name may be that of this host.
 *
 * @param listenHost where it listens
 * @param header such as `127.0.0.1:9106`; undefined is what tools of old send
 */
export function isHostAllowed(listenHost: string, header: string | undefined): boolean {
  if (header === undefined || !isLoopback(listenHost)) return true;
  const name = header.startsWith('[') ? header.slice(1, header.indexOf(']')) : header.replace(/:\d*$/, '');
  return isIP(name) !== 0 || name.toLowerCase() === 'localhost' || name.toLowerCase().endsWith('.localhost');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
