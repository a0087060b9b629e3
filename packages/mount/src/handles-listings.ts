import type { ByteString } from '@k2hft/fuse';

/**
 * What each open directory listed when it was read from its start. readdir(3) promises that what is there all the time is
 * listed once, which positions in a list that does not change give. Reading from the start again
 * (rewinddir) lists anew, as POSIX asks. A new worker has no lists: it lists anew and goes on at the same position, which
 * is exact unless the directory has changed in between.
 */
export class DirectoryListings {
  private readonly listings = new Map<number, readonly ByteString[]>();

  /** Calls `add` with each name from `offset` on, '.' and '..' first, until it returns false. */
  fill(
    handle: number,
    offset: number,
    list: () => ByteString[],
    add: (name: ByteString, nextOffset: number) => boolean,
  ): void {
    let names = offset === 0 ? undefined : this.listings.get(handle);
    if (names === undefined) {
      names = ['.', '..', ...list()];
      this.listings.set(handle, names);
    }
    for (let index = offset; index < names.length; index++) {
      const name = names[index];
      if (name === undefined || !add(name, index + 1)) return;
    }
  }

  forget(handle: number): void {
    this.listings.delete(handle);
  }
}
