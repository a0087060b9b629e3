/** What a row store keeps: short ASCII keys, opaque values. */
export interface RowReader {
  row(key: string): Uint8Array | undefined;
  rows(prefix: string): Iterable<[key: string, value: Uint8Array]>;
}

/**
 * The row changes of the request that is being handled, on top of what is stored. They are written in one
 * transaction, together with the batches of the same request, before the request is answered: what the kernel has
 * been told is then known to whichever worker serves the mount next.
 */
export class PendingRows {
  readonly changes = new Map<string, Uint8Array | undefined>();

  put(key: string, value: Uint8Array): void {
    this.changes.set(key, value);
  }

  delete(key: string): void {
    this.changes.set(key, undefined);
  }
}
