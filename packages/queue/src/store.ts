import { renameSync } from 'node:fs';
import type { AckSet, AckSetRecord } from './ack-set.js';
import { diskSpace, minFreeBytes } from './disk-space.js';
import { QueueError } from './errors.js';
import { syncFolder } from './identity.js';
import { STORE_RESERVE_BYTES, STORE_TRANSACTION_BYTES, storeFileBytes } from './limits.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';
import { footprintBytes } from './room.js';
import type { Fault, QueueOptions } from './settings.js';
import { StoreFile, type LedgerRows, type StoreEntry } from './store-file.js';
import {
  makeStoreFolder,
  removeOrphanedLocks,
  removeStoreFile,
  storeFileNumbers,
  storeFilePath,
  storeFolder,
} from './store-folder.js';

/** Sealed files that stay open for reading: destinations may stand at different places. */
const OPEN_FILES_MAX = 4;

/** What an append changes of a direct queue's ledger. */
export interface LedgerChange extends LedgerRows {
  /** The whole ledger with these changes, for a file that carries none yet. */
  whole(): LedgerRows['rows'];
}

/**
 * The crash-proof tier: files in queue order, the newest of which is written. Belongs to one process.
 */
export class Store {
  private readonly recentlyRead: StoreFile[] = [];

  private constructor(
    private readonly directory: string,
    /** May be changed at any time. */
    public settings: QueueOptions,
    private files: StoreFile[],
    private nextNumber: number,
  ) {}

  static open(directory: string, settings: QueueOptions, onFault: Fault): Store {
    makeStoreFolder(directory);
    removeOrphanedLocks(directory);
    const files: StoreFile[] = [];
    const numbers = storeFileNumbers(directory);
    for (const number of numbers) {
      const path = storeFilePath(directory, number);
      try {
        const file = StoreFile.load(number, path);
        if (file.isEmpty) file.unlink();
        else files.push(file);
        file.closeReader();
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        if (error.code === 'no_queue') {
          removeStoreFile(path);
          continue;
        }
        if (error.code !== 'damaged') throw error;
        renameSync(path, `${path}.damaged`);
        onFault({ code: 'damaged', message: `${error.message}; it is kept as ${path}.damaged` });
      }
    }
    const store = new Store(directory, settings, files, (numbers.at(-1) ?? 0) + 1);
    store.leaveOutWhatIsVoid();
    store.goOnWithNewest();
    return store;
  }

  /** On the disk. */
  get bytes(): number {
    return this.files.reduce((sum, file) => sum + file.fileBytes, 0);
  }

  /** Of one transaction: a file, which is dropped as a whole, shall not become much larger than it is meant to be. */
  get transactionBytes(): number {
    return Math.min(STORE_TRANSACTION_BYTES, storeFileBytes(this.settings.maxSizeBytes));
  }

  get all(): readonly StoreFile[] {
    return this.files;
  }

  get last(): Position {
    return this.files.findLast(({ last }) => last !== undefined)?.last ?? POSITION_ZERO;
  }

  lastInEpoch(epoch: number): number {
    for (const file of this.files.toReversed()) {
      if (file.first === undefined || file.last === undefined) continue;
      if (file.first.epoch > epoch || file.last.epoch < epoch) continue;
      const sequence = file.lastInEpoch(epoch);
      if (sequence > 0) return sequence;
    }
    return 0;
  }

  /**
   * One transaction; on disk when it resolves. After it rejects the batches are not here: the file that failed is
   * sealed, and the next append begins another.
   */
  async append(entries: readonly StoreEntry[], gone: AckSetRecord, ledger?: LedgerChange): Promise<void> {
    const bytes = entries.reduce((sum, entry) => sum + footprintBytes(entry.bytes.length), 0);
    // Rows alone are few, and may be what frees a whole file.
    if (entries.length > 0) this.requireRoom(bytes);
    const file = this.writableFile();
    try {
      await file.append(entries, gone, ledger && rowsFor(file, ledger));
    } catch (error) {
      file.seal();
      if (file.isEmpty) this.discard(file);
      throw error;
    }
    if (file.fileBytes >= storeFileBytes(this.settings.maxSizeBytes)) file.seal();
  }

  /** In order, from `from` up to and with `upTo`; ends when `visit` returns false. */
  forEach(from: Position, upTo: Position, visit: (position: Position, bytes: Buffer) => boolean): boolean {
    // A commit that was given up may have come through after all: its file then reaches into the next one.
    let next = from;
    for (const file of this.files) {
      if (file.last === undefined || comparePositions(file.last, next) < 0) continue;
      if (file.first !== undefined && comparePositions(file.first, upTo) > 0) return true;
      this.noteRead(file);
      const end = comparePositions(file.last, upTo) < 0 ? file.last : upTo;
      if (!file.forEach(next, end, visit)) return false;
      next = { epoch: end.epoch, sequence: end.sequence + 1 };
    }
    return true;
  }

  /** What is not here because nobody wanted it when its neighbours were put in. */
  leftOut(): AckSetRecord[] {
    const records = this.files.map((file) => {
      const record = file.gone();
      file.closeReader();
      return record;
    });
    return records.filter((record) => record !== undefined);
  }

  /** Files of which nothing is needed any more. The newest ledger is always needed. */
  covered(gone: AckSet): StoreFile[] {
    const { carrier } = this;
    return this.files.filter((file) => file !== carrier && isCovered(file, gone));
  }

  /** The file that carries the newest ledger. */
  get carrier(): StoreFile | undefined {
    return this.files.findLast(({ from }) => from !== undefined);
  }

  ledger(): Map<string, Buffer> {
    return this.carrier?.ledger() ?? new Map<string, Buffer>();
  }

  /** The next append begins a new file. */
  sealNewest(): void {
    this.files.at(-1)?.seal();
  }

  /** Their acks must be durable before: else a batch would be missed that was delivered. */
  unlink(files: readonly StoreFile[]): void {
    for (const file of files) this.discard(file);
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }

  private discard(file: StoreFile): void {
    file.unlink();
    this.files = this.files.filter((other) => other !== file);
    const index = this.recentlyRead.indexOf(file);
    if (index >= 0) this.recentlyRead.splice(index, 1);
  }

  private leaveOutWhatIsVoid(): void {
    let from: Position | undefined;
    for (const file of this.files.toReversed()) {
      if (from !== undefined) file.endBefore(from);
      file.closeReader();
      from = file.from ?? from;
    }
  }

  private goOnWithNewest(): void {
    const newest = this.files.at(-1);
    if (newest !== undefined && newest.fileBytes < storeFileBytes(this.settings.maxSizeBytes) / 2) {
      try {
        newest.makeWritable();
      } catch (error) {
        // On a full disk it stays as it is, and what comes next goes into another file.
        if (!(error instanceof QueueError) || error.code !== 'no_room') throw error;
      }
    }
  }

  private writableFile(): StoreFile {
    const newest = this.files.at(-1);
    if (newest?.isWritable === true) return newest;
    const number = this.nextNumber++;
    const file = StoreFile.make(number, storeFilePath(this.directory, number));
    // LMDB flushes the file, not the folder's entry for it.
    syncFolder(storeFolder(this.directory));
    this.files.push(file);
    return file;
  }

  private requireRoom(bytes: number): void {
    const space = diskSpace(this.directory);
    const keepBytes = Math.max(STORE_RESERVE_BYTES, minFreeBytes(this.settings.minFree, space));
    if (space.availableBytes - bytes >= keepBytes) return;
    throw new QueueError(
      'no_space',
      `no room for ${bytes} bytes in the store beside what is to be left free`,
    );
  }

  private noteRead(file: StoreFile): void {
    const index = this.recentlyRead.indexOf(file);
    if (index >= 0) this.recentlyRead.splice(index, 1);
    this.recentlyRead.push(file);
    if (this.recentlyRead.length > OPEN_FILES_MAX) this.recentlyRead.shift()?.closeReader();
  }
}

function rowsFor(file: StoreFile, ledger: LedgerChange): LedgerRows {
  return file.from === undefined ? { from: ledger.from, rows: ledger.whole() } : ledger;
}

/** A file without batches carries nothing but a ledger, and a newer one has taken that over. */
export function isCovered({ first, last, from }: StoreFile, gone: AckSet): boolean {
  if (first === undefined || last === undefined) return from !== undefined;
  return gone.covers(first, last);
}
