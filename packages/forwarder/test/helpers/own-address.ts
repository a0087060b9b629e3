let given = 0;

/**
 * An address of this host that nobody else listens on or connects from: a server that stops and listens again finds its port free,
 * whatever ports the system gives to others meanwhile.
 */
export function ownAddress(): string {
  given += 1;
  return `127.${1 + ((process.pid >> 8) % 254)}.${process.pid % 256}.${1 + (given % 254)}`;
}
