import { isIPv6 } from 'node:net';

const GROUPS = 8;

/** What one customer of a provider gets at the least: half of an address (RFC 6177). */
const NETWORK_GROUPS = 4;

/**
 * Whose connections are counted together. An address of IPv4 is one host's; of IPv6 one host may use any in its network of 64
 * bits, and would be another one with each connection.
 */
export function networkOf(address: string): string {
  // IPv4, also as a socket for both families shows it: ::ffff:192.0.2.1
  if (!isIPv6(address) || address.includes('.')) return address;
  const [front = [], back = []] = address
    .replace(/%.*$/, '')
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const groups = [...front, ...Array<string>(GROUPS - front.length - back.length).fill('0'), ...back];
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
