import { statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLosses, type Losses } from './counters.js';
import { REST_PREFIX, type DurableRest } from './durable-rests.js';
import { Environment, type Usage } from './environment.js';
import { QueueError } from './errors.js';
import { hotFolder, mayBeOpened, readMade } from './hot-folder.js';
import {
  decodeDrop,
  decodePosition,
  decodeRequest,
  HOT_ROWS,
  type CheckpointRequest,
  type DropRequest,
} from './hot-rows.js';
import { BATCHES_END, batchKey, batchPosition, keyText, ownKey, rowRange } from './keys.js';
import type { Position } from './position.js';

/**
 * The drain's look into hot, which another process writes and may replace at any time. What is read between two
 * calls of refresh() without returning to the event loop comes from one snapshot.
 */
export class HotView {
  private environment: Environment | undefined;
  private inode = 0n;
  private openEpoch = 0;

  constructor(
    private readonly directory: string,
    private readonly bootId: string,
    private mapBytes = 0,
  ) {}

  /** Of the hot that is open here; 0: none. */
  get epoch(): number {
    return this.openEpoch;
  }

  /** A worker in this very process that opens the same hot again takes it from here: then it is opened anew. */
  get isOpen(): boolean {
    if (this.environment?.closed === true) this.reopen();
    return this.environment !== undefined;
  }

  /** Another hot than the one that is open here lies in its place. */
  isReplaced(): boolean {
    const inode = this.inodeNow();
    return this.isOpen && inode !== 0n && inode !== this.inode;
  }

  /** Of the hot that lies in the folder now. */
  epochInFolder(): number {
    return readMade(hotFolder(this.directory))?.epoch ?? 0;
  }

  /** Opens what is there; without a hot that belongs to this boot it stays closed. */
  open(): void {
    this.close();
    if (!mayBeOpened(this.directory, this.bootId)) return;
    const folder = hotFolder(this.directory);
    const made = readMade(folder);
    const inode = this.inodeNow();
    try {
      this.environment = Environment.openReader(folder, this.mapBytes);
    } catch (error) {
      // The worker is just replacing it, or will when it finds the same damage.
      if (error instanceof QueueError && ['no_queue', 'damaged', 'no_room'].includes(error.code)) return;
      throw error;
    }
    this.inode = inode;
    this.openEpoch = made?.epoch ?? 0;
    if (this.isReplaced() || this.openEpoch === 0) this.close();
  }

  /** The writer may use so much from now on. */
  resize(mapBytes: number): void {
    if (mapBytes === this.mapBytes) return;
    this.mapBytes = mapBytes;
    if (this.isOpen) this.open();
  }

  /** Forgets the snapshot: what is read next is what is there now. */
  refresh(): void {
    this.environment?.release();
  }

  private reopen(): void {
    const epoch = this.openEpoch;
    this.environment = undefined;
    if (this.epochInFolder() === epoch) this.open();
  }

  lastPosition(): Position | undefined {
    if (!this.isOpen) return undefined;
    const key = this.environment?.lastKey(batchKey(this.epoch, 0), BATCHES_END);
    if (key !== undefined) return batchPosition(key);
    return decodePosition(this.own(HOT_ROWS.last));
  }

  /** The same in a snapshot of its own. */
  freshLastPosition(): Position | undefined {
    this.refresh();
    const last = this.lastPosition();
    this.refresh();
    return last;
  }

  /** Visits batches from `from` on; the bytes are valid only during the call. */
  forEach(from: Position, visit: (position: Position, bytes: Buffer) => boolean): void {
    if (!this.isOpen) return;
    this.environment?.forEach(batchKey(from.epoch, from.sequence), BATCHES_END, (key, value) =>
      visit(batchPosition(key), value),
    );
  }

  request(): CheckpointRequest | undefined {
    return decodeRequest(this.own(HOT_ROWS.request));
  }

  dropped(): Position | undefined {
    return decodePosition(this.own(HOT_ROWS.dropped));
  }

  dropRequest(): DropRequest | undefined {
    return decodeDrop(this.own(HOT_ROWS.drop));
  }

  /** Whether the rests of earlier epochs have become batches of this one. */
  restsTaken(): boolean {
    return decodePosition(this.own(HOT_ROWS.taken))?.epoch === this.epoch;
  }

  losses(): Losses {
    return decodeLosses(this.own(HOT_ROWS.counters));
  }

  durableRests(): DurableRest[] {
    const rests: DurableRest[] = [];
    const [start, end] = rowRange(REST_PREFIX);
    this.environment?.forEach(start, end, (key, value) => {
      rests.push({ key: keyText(key), bytes: Buffer.from(value) });
      return true;
    });
    return rests;
  }

  usage(): Usage {
    return this.isOpen && this.environment !== undefined
      ? this.environment.usage()
      : { usedBytes: 0, fileBytes: 0, entries: 0 };
  }

  close(): void {
    void this.environment?.close();
    this.environment = undefined;
    this.openEpoch = 0;
  }

  private own(name: string): Buffer | undefined {
    return this.isOpen ? this.environment?.get(ownKey(name)) : undefined;
  }

  private inodeNow(): bigint {
    try {
      return statSync(join(hotFolder(this.directory), 'data.mdb'), { bigint: true }).ino;
    } catch {
      return 0n;
    }
  }
}
