import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { describeError } from './errors.js';

/** All addresses of a name, the preferred ones first. Rejects when there are none. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

/** As every program of this host resolves names: /etc/hosts, then what the system is set up to ask. */
export const resolveBySystem: Resolve = (name) => systemLookup(name, { all: true, order: 'verbatim' });

/**
 * Of several addresses each is given so long to answer the first packet, before the next one is tried. Node's own
 * quarter of a second is too short for the other side of the earth.
 */
export const ADDRESS_TIMEOUT_MS = 2_000;

/**
 * The addresses of one server's name. They are tried in turn within one attempt to connect. An address that takes
 * connections and then says nothing fails a whole attempt: the next attempt begins with the one behind it.
 */
export class ServerAddresses {
  readonly #name: string;
  readonly #resolve: Resolve;
  /** So many attempts have failed: the first address of the next one is that of this turn. */
  #turn = 0;

  constructor(url: string, resolve: Resolve) {
    this.#name = new URL(url).hostname.replace(/^\[|\]$/g, '');
    this.#resolve = resolve;
  }

  /** For net.connect(), which asks only for names. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    this.#resolve(name).then(
      (found) => {
        const addresses = inTurn(found, this.#turn);
        const [first] = addresses;
        if (first === undefined) callback(notFound(name), '');
        else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(describeError(error)), '');
      },
    );
  };

  /** An attempt to connect has failed. */
  failed(): void {
    this.#turn += 1;
  }

  /** Whether the name still has the address of a connection; also true when nobody knows. */
  async has(address: string): Promise<boolean> {
    if (isIP(this.#name) !== 0) return true;
    try {
      const found = await this.#resolve(this.#name);
      return found.length === 0 || found.some((one) => plainAddress(one.address) === plainAddress(address));
    } catch {
      return true;
    }
  }
}

function inTurn(found: readonly LookupAddress[], turn: number): LookupAddress[] {
  const start = found.length === 0 ? 0 : turn % found.length;
  return [...found.slice(start), ...found.slice(0, start)];
}

/** Without what a socket for both families puts in front of an address of IPv4, and without the interface. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function notFound(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' });
}
