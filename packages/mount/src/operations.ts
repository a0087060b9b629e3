import {
  ERRNO,
  errnoOf,
  FuseError,
  PARKED,
  type AttributeChanges,
  type Attributes,
  type ByteString,
  type DirectoryFiller,
  type Entry,
  type FileSystemStatistics,
  type FuseOperations,
  type FuseReplies,
  type FuseRequest,
  type Opened,
  type Parked,
  type WriteArguments,
} from '@k2hft/fuse';
import { CapturedWrites, whileRoom, type CapturedWritesOptions } from './captured-writes.js';
import { Parking, type ParkedWrite } from './parking.js';
import type { PendingRows } from './pending-rows.js';
import { TICK_NAME } from './tick-name.js';

/** An fsync is given up after this long: a forwarder that was killed is back within a second, and a hang helps nobody. */
const SYNC_WAIT_MS = 30_000;
const ROOT_NODE = 1;
const ACCESS_MODE_MASK = 3;

export interface MountOperationsOptions extends CapturedWritesOptions {
  rows: PendingRows;
  maxWaitMs: number;
  /** Handles that only write and whose bytes are sent bypass the kernel's cache: one copy less. */
  directWrites: boolean;
  /** Some rule sends binary chunks, which end with a close(2). Else the kernel need not tell of each. */
  flushesChunks: boolean;
  /** Called on every tick after its work. */
  onTick(): void;
  /** Called when requests begin to wait, and when none waits any more. */
  onParking(waiting: boolean): void;
  warn(message: string): void;
}

type AttributesReply = { attributes: Attributes; validMs: number };

/**
 * What the kernel's requests do: the tree carries them out, capture queues what is written. Every row that a
 * request changed is stored before its answer.
 */
export class MountOperations implements FuseOperations {
  private readonly parking = new Parking();
  private readonly captured: CapturedWrites;
  private replies: FuseReplies | undefined;
  private reportedWaiting = false;
  /** Closed handles whose unfinished line found no room yet. */
  private readonly unended = new Set<number>();
  /** Absent when nobody needs it: the kernel asks once, and then never again. */
  readonly flush?: (request: FuseRequest, handle: number) => void;

  constructor(private readonly options: MountOperationsOptions) {
    this.captured = new CapturedWrites(options);
    if (options.flushesChunks) {
      this.flush = (_request, handle) => {
        this.flushChunk(handle);
      };
    }
  }

  /** Writes wait for room. */
  get holdsWrites(): boolean {
    return this.parking.holdsWrites;
  }

  /** The session that answers parked requests. */
  answerThrough(replies: FuseReplies): void {
    this.replies = replies;
  }

  lookup(request: FuseRequest, name: ByteString): Entry {
    if (name === TICK_NAME && request.nodeId === ROOT_NODE) {
      this.tick();
      throw new FuseError(ERRNO.ENOENT);
    }
    return this.stored(this.options.tree.lookup(request, name));
  }

  forget(nodeId: number, lookups: number): void {
    this.options.tree.forget(nodeId, lookups);
  }

  getattr(request: FuseRequest, handle: number | undefined): AttributesReply {
    return this.options.tree.getattr(request, handle);
  }

  setattr(request: FuseRequest, changes: AttributeChanges): AttributesReply {
    const reply = this.options.tree.setattr(request, changes);
    if (changes.sizeBytes !== undefined) this.options.capture.truncated(request.nodeId, changes.sizeBytes);
    return this.stored(reply);
  }

  readlink(request: FuseRequest): Buffer {
    return this.options.tree.readlink(request);
  }

  symlink(request: FuseRequest, name: ByteString, target: Buffer): Entry {
    return this.stored(this.options.tree.symlink(request, name, target));
  }

  mknod(request: FuseRequest, name: ByteString, mode: number, rdev: number): Entry {
    return this.stored(this.options.tree.mknod(request, name, mode, rdev));
  }

  mkdir(request: FuseRequest, name: ByteString, mode: number): Entry {
    return this.stored(this.options.tree.mkdir(request, name, mode));
  }

  unlink(request: FuseRequest, name: ByteString): void {
    this.options.tree.unlink(request, name);
    this.storeRows();
  }

  rmdir(request: FuseRequest, name: ByteString): void {
    this.options.tree.rmdir(request, name);
    this.storeRows();
  }

  rename(
    request: FuseRequest,
    name: ByteString,
    newParent: number,
    newName: ByteString,
    flags: number,
  ): void {
    this.options.tree.rename(request, name, newParent, newName, flags);
    this.storeRows();
  }

  link(request: FuseRequest, existing: number, name: ByteString): Entry {
    return this.stored(this.options.tree.link(request, existing, name));
  }

  open(request: FuseRequest, flags: number): Opened {
    const { tree } = this.options;
    const opened = tree.open(request, flags);
    this.startStream(opened, request.nodeId, flags, tree.pathOf(request.nodeId));
    return this.stored(opened);
  }

  create(
    request: FuseRequest,
    name: ByteString,
    flags: number,
    mode: number,
  ): { entry: Entry; opened: Opened } {
    const { tree } = this.options;
    const created = tree.create(request, name, flags, mode);
    const folder = tree.pathOf(request.nodeId);
    const path = folder === '' ? name : `${folder}/${name}`;
    this.startStream(created.opened, created.entry.nodeId, flags, path);
    return this.stored(created);
  }

  read(request: FuseRequest, handle: number, offset: number, target: Buffer): number {
    return this.options.tree.read(request, handle, offset, target);
  }

  write(request: FuseRequest, write: WriteArguments): number | Parked {
    const { capture, tree } = this.options;
    const { handle, offset, buffer, start, end } = write;
    if (!capture.has(handle)) return this.stored(tree.write(request, handle, offset, buffer, start, end));
    const written = this.captured.write(request, write, !this.parking.holdsWrites);
    this.storeRows();
    if (written !== undefined) return written;
    this.parking.parkWrite(request, write, performance.now() + this.options.maxWaitMs);
    this.reportParking();
    return PARKED;
  }

  release(request: FuseRequest, handle: number): void {
    this.options.tree.release(request, handle);
    this.endStream(handle);
    this.storeRows();
  }

  fsync(request: FuseRequest, handle: number, dataOnly: boolean): Parked | undefined {
    const { capture, queue, tree } = this.options;
    tree.fsync(request, handle, dataOnly);
    if (!capture.has(handle)) return undefined;
    this.flushChunk(handle);
    const needsCheckpoint = capture.makeRestDurable(handle) || !queue.allDurable();
    this.storeRows();
    if (!needsCheckpoint) return undefined;
    this.parking.parkSync(request, queue.requestCheckpoint(), performance.now() + SYNC_WAIT_MS);
    this.reportParking();
    return PARKED;
  }

  opendir(request: FuseRequest, flags: number): Opened {
    return this.stored(this.options.tree.opendir(request, flags));
  }

  readdir(request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    this.options.tree.readdir(request, handle, offset, filler);
  }

  readdirplus(request: FuseRequest, handle: number, offset: number, filler: DirectoryFiller): void {
    this.options.tree.readdirplus(request, handle, offset, filler);
    this.storeRows();
  }

  releasedir(request: FuseRequest, handle: number): void {
    this.options.tree.releasedir(request, handle);
    this.storeRows();
  }

  fsyncdir(request: FuseRequest, handle: number, dataOnly: boolean): void {
    this.options.tree.fsyncdir(request, handle, dataOnly);
  }

  statfs(request: FuseRequest): FileSystemStatistics {
    return this.options.tree.statfs(request);
  }

  /**
   * The kernel tells of every signal that a waiting program gets. Only one that ends it ends the wait: no local disk
   * answers a write with EINTR, and programs do not expect it. The wait has its deadline in any case.
   */
  interrupt(unique: number): void {
    const request = this.parking.takeDying(unique);
    if (request !== undefined) this.replies?.replyError(request, ERRNO.EINTR);
    this.reportParking();
  }

  /** Everything that time drives. */
  tick(): void {
    const { capture, queue } = this.options;
    queue.collect();
    this.finishParked();
    for (const handle of [...this.unended]) this.endStream(handle);
    whileRoom(() => {
      capture.expireRests();
    });
    this.storeRows();
    this.options.onTick();
  }

  private finishParked(): void {
    const { queue } = this.options;
    this.parking.retryWrites((parked) => this.finishWrite(parked));
    const nowMs = performance.now();
    for (const { request } of this.parking.takeLateWrites(nowMs)) {
      this.replies?.replyError(request, ERRNO.ENOSPC);
    }
    for (const { request } of this.parking.takeSyncs(({ ticket }) => queue.isDurable(ticket))) {
      this.replies?.replyEmpty(request);
    }
    for (const { request } of this.parking.takeSyncs(({ deadlineMs }) => deadlineMs <= nowMs)) {
      this.options.warn('an fsync was given up: the forwarder has not made the queue durable in time');
      this.replies?.replyError(request, ERRNO.EIO);
    }
    this.reportParking();
  }

  /** False: it still has to wait. */
  private finishWrite({ request, write }: ParkedWrite): boolean {
    try {
      const written = this.captured.tryWrite(request, write);
      if (written === undefined) return false;
      this.replies?.replyWritten(request, written);
    } catch (error) {
      this.replies?.replyError(request, errnoOf(error) ?? ERRNO.EIO);
    }
    return true;
  }

  private startStream(opened: Opened, nodeId: number, flags: number, path: ByteString): void {
    const access = flags & ACCESS_MODE_MASK;
    if (access === 0) return;
    const { capture, directWrites } = this.options;
    capture.open(opened.handle, nodeId, path);
    if (directWrites && access === 1 && capture.has(opened.handle)) opened.directIo = true;
  }

  /** A chunk that finds no room stays with its stream, and goes with what comes next. */
  private flushChunk(handle: number): void {
    const { capture, queue } = this.options;
    whileRoom(() => {
      capture.flush(handle);
      queue.wake();
    });
  }

  private endStream(handle: number): void {
    const { capture, queue } = this.options;
    if (!capture.has(handle)) return;
    this.unended.add(handle);
    whileRoom(() => {
      capture.end(handle);
      this.unended.delete(handle);
      queue.wake();
    });
  }

  private stored<T>(result: T): T {
    this.storeRows();
    return result;
  }

  private storeRows(): void {
    const { queue, rows } = this.options;
    if (rows.changes.size > 0) queue.putRows(rows);
  }

  private reportParking(): void {
    const waiting = !this.parking.isEmpty;
    if (waiting === this.reportedWaiting) return;
    this.reportedWaiting = waiting;
    this.options.onParking(waiting);
  }
}
