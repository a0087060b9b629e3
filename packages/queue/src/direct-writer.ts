import assert from 'node:assert';
import type { DrainBooks } from './drain-books.js';
import { QueueError } from './errors.js';
import type { RowChanges } from './hot-queue.js';
import type { NoHot } from './hot-tier.js';
import { STORE_RESERVE_BYTES, storeFileBytes } from './limits.js';
import type { Position } from './position.js';
import { footprintBytes, Room } from './room.js';
import type { QueueOptions } from './settings.js';
import { isCovered, type LedgerChange } from './store.js';
import type { StoreEntry, StoreFile } from './store-file.js';

/** LMDB takes no longer ones. */
const KEY_CHARACTERS_MAX = 500;

const EMPTY_USAGE = { usedBytes: 0, fileBytes: 0, entries: 0 };

/**
 * Writes batches and rows of a ledger into the store, so that the two never contradict each other.
 *
 * How the ledger survives the unlinking of files: the newest file always carries all of it. The first transaction of
 * a file writes the whole ledger beside its batches, later ones only what changes. A file is unlinked only when a
 * newer one carries the ledger, and LMDB and the folder's entry are flushed by then. So after a crash at any point
 * the newest file that has a transaction in it holds the ledger as of the last append.
 *
 * An append that fails may yet have reached the disk, as may one of which nobody was told that it took too long. Its
 * file gets no further transaction; the next one, which may bring other batches with the same sequences, begins a
 * new file and names in it the position from which everything in earlier files is void. Without a next one, the
 * batches and the rows of the failed append are there after a restart, or neither: both is consistent.
 */
export class DirectWriter {
  /** The ledger, as of the last append that is on disk. */
  readonly rows: Map<string, Buffer>;
  private readonly room: Room;
  private appending = false;

  constructor(
    private readonly directory: string,
    private readonly settings: QueueOptions,
    private readonly books: DrainBooks<NoHot>,
    /** Not beside another that does the same. */
    private readonly unlinkCovered: () => Promise<void>,
  ) {
    this.rows = books.store.ledger();
    this.room = new Room(directory, settings, STORE_RESERVE_BYTES);
    this.measureRoom();
  }

  get roomBytes(): number {
    return this.room.leftBytes;
  }

  /**
   * One transaction; on disk when it resolves. `from` is the position of the first entry. Rejects with QueueError,
   * `no_space` when there is none; then nothing of it counts.
   */
  async write(from: Position, entries: readonly StoreEntry[], changes: RowChanges): Promise<void> {
    assert(!this.appending, 'one append at a time');
    this.appending = true;
    try {
      const neededBytes = sizeOf(entries, changes);
      if (neededBytes > this.room.leftBytes) this.measureRoom();
      if (entries.length > 0 && neededBytes > this.room.leftBytes) await this.leaveNewest(from);
      if (entries.length > 0) this.requireRoom(neededBytes);
      this.replaceWhenFull(neededBytes);
      for (const key of changes.keys())
        assert(key.length > 0 && key.length <= KEY_CHARACTERS_MAX, 'the key of a row has a limit');
      const ledger: LedgerChange = {
        rows: changes,
        from,
        whole: () => new Map([...this.rows, ...changes]),
      };
      await this.books.store.append(entries, this.books.cursors.gone.record(), ledger);
      this.noteRows(changes);
      this.measureRoom();
    } finally {
      this.appending = false;
    }
  }

  private noteRows(changes: RowChanges): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.rows.delete(key);
      else this.rows.set(key, Buffer.from(value));
    }
  }

  private requireRoom(bytes: number): void {
    if (bytes <= this.room.leftBytes) return;
    throw new QueueError('no_space', `the queue ${this.directory} is full: ${bytes} bytes do not fit`);
  }

  /** The newest file is replaced when all of it is acked and more would make it too large. */
  private replaceWhenFull(bytes: number): void {
    const { store, cursors } = this.books;
    const newest = store.carrier;
    if (newest === undefined || newest !== store.all.at(-1) || !isCovered(newest, cursors.gone)) return;
    if (newest.fileBytes + bytes > storeFileBytes(this.settings.maxSizeBytes)) store.sealNewest();
  }

  /**
   * On a disk that is short of room, the newest file must not keep out what comes when it only carries the ledger any
   * more: a small one takes that over, and the disk gets the rest back.
   */
  private async leaveNewest(from: Position): Promise<void> {
    const { store, cursors } = this.books;
    const { carrier } = store;
    if (carrier?.first === undefined || carrier !== store.all.at(-1) || !isCovered(carrier, cursors.gone))
      return;
    store.sealNewest();
    const rows = this.rows;
    await store.append([], cursors.gone.record(), { rows, from, whole: () => rows });
    await this.unlinkCovered();
    this.measureRoom();
  }

  /** Files that are unlinked soon; the newest as well, as soon as another carries the ledger. */
  unneeded(): StoreFile[] {
    const { store, cursors } = this.books;
    return store.all.filter((file) => isCovered(file, cursors.gone));
  }

  measureRoom(): void {
    const { store } = this.books;
    const unneededBytes = this.unneeded().reduce((sum, { fileBytes }) => sum + fileBytes, 0);
    this.room.measure(EMPTY_USAGE, store.bytes - unneededBytes);
  }
}

function sizeOf(entries: readonly StoreEntry[], changes: RowChanges): number {
  let bytes = 0;
  for (const entry of entries) bytes += footprintBytes(entry.bytes.length);
  for (const value of changes.values()) bytes += footprintBytes(value?.length ?? 0);
  return bytes;
}
