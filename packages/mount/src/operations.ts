import {
  ERRNO,
  FuseError,
  type AttributeChanges,
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
import { CapturedHandles, type CapturedHandlesOptions } from './captured-handles.js';
import { CapturedWrites, whileRoom, type CapturedWritesOptions } from './captured-writes.js';
import type { AttributesReply, Created } from './file-tree.js';
import type { PendingRows } from './pending-rows.js';
import { TICK_NAME } from './tick-name.js';
import { WaitingRequests, type WaitingRequestsOptions } from './waiting-requests.js';

const ROOT_NODE = 1;

export interface MountOperationsOptions
  extends CapturedWritesOptions, CapturedHandlesOptions, WaitingRequestsOptions {
  rows: PendingRows;
  /** Some rule sends binary chunks, which end with a close(2). Else the kernel need not tell of each. */
  flushesChunks: boolean;
  /** Called on every tick after its work. */
  onTick(): void;
}

/**
 * What the kernel's requests do: the tree carries them out, capture queues what is written. Every row that a
 * request changed is stored before its answer.
 */
export class MountOperations implements FuseOperations {
  private readonly writes: CapturedWrites;
  private readonly handles: CapturedHandles;
  private readonly waiting: WaitingRequests;
  /** Absent when nobody needs it: the kernel asks once, and then never again. */
  readonly flush?: (request: FuseRequest, handle: number) => void;

  constructor(private readonly options: MountOperationsOptions) {
    this.writes = new CapturedWrites(options);
    this.handles = new CapturedHandles(options);
    this.waiting = new WaitingRequests(options, this.writes);
    if (options.flushesChunks) {
      this.flush = (_request, handle) => {
        this.handles.flushChunk(handle);
      };
    }
  }

  /** Writes wait for room. */
  get holdsWrites(): boolean {
    return this.waiting.holdsWrites;
  }

  /** The session that answers parked requests. */
  answerThrough(replies: FuseReplies): void {
    this.waiting.answerThrough(replies);
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
    this.handles.opened(opened, request.nodeId, flags, tree.pathOf(request.nodeId));
    return this.stored(opened);
  }

  create(request: FuseRequest, name: ByteString, flags: number, mode: number): Created {
    const { tree } = this.options;
    const created = tree.create(request, name, flags, mode);
    const folder = tree.pathOf(request.nodeId);
    const path = folder === '' ? name : `${folder}/${name}`;
    this.handles.opened(created.opened, created.entry.nodeId, flags, path);
    return this.stored(created);
  }

  read(request: FuseRequest, handle: number, offset: number, target: Buffer): number {
    return this.options.tree.read(request, handle, offset, target);
  }

  write(request: FuseRequest, write: WriteArguments): number | Parked {
    const { capture, tree } = this.options;
    if (!capture.has(write.handle)) return this.stored(tree.write(request, write));
    const written = this.writes.write(request, write, !this.waiting.holdsWrites);
    this.storeRows();
    return written ?? this.waiting.parkWrite(request, write);
  }

  release(request: FuseRequest, handle: number): void {
    this.options.tree.release(request, handle);
    this.handles.closed(handle);
    this.storeRows();
  }

  fsync(request: FuseRequest, handle: number, dataOnly: boolean): Parked | undefined {
    const { capture, queue, tree } = this.options;
    tree.fsync(request, handle, dataOnly);
    if (!capture.has(handle)) return undefined;
    this.handles.flushChunk(handle);
    const needsCheckpoint = capture.makeRestDurable(handle) || !queue.allDurable();
    this.storeRows();
    return needsCheckpoint ? this.waiting.parkSync(request) : undefined;
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

  interrupt(unique: number): void {
    this.waiting.interrupt(unique);
  }

  /** Everything that time drives. */
  tick(): void {
    const { capture, queue } = this.options;
    queue.collect();
    this.waiting.finish();
    this.handles.retry();
    whileRoom(() => {
      capture.expireRests();
    });
    this.storeRows();
    this.options.onTick();
  }

  private stored<T>(result: T): T {
    this.storeRows();
    return result;
  }

  private storeRows(): void {
    const { queue, rows } = this.options;
    if (rows.changes.size > 0) queue.putRows(rows);
  }
}
