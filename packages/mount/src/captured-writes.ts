import type { FuseRequest, WriteArguments } from '@k2hft/fuse';
import type { Capture } from './capture.js';
import type { FileTree } from './file-tree.js';
import { isQueueFull, type MountQueue } from './mount-queue.js';

/** What is dropped at a time to make room, so that a full queue does not cost every write a transaction of its own. */
const DROP_BYTES = 1024 * 1024;

export interface CapturedWritesOptions {
  tree: FileTree;
  capture: Capture;
  queue: MountQueue;
  whenFull: 'block' | 'drop_oldest' | 'drop_newest';
}

/**
 * Writes whose bytes are sent. In this order: is there room in the queue, write below, queue. So what the queue holds was
 * really written, and a write that has to wait has left nothing behind.
 */
export class CapturedWrites {
  constructor(private readonly options: CapturedWritesOptions) {}

  /**
   * Returns the answer, or undefined when the write has to wait for room. `mayPass` is false while others wait. A write that an
   * earlier worker has queued already is answered as it would have been.
   */
  write(request: FuseRequest, write: WriteArguments, mayPass: boolean): number | undefined {
    const answered = this.options.capture.answered(request, write.handle);
    if (answered !== undefined) return answered;
    const written = mayPass ? this.tryWrite(request, write) : undefined;
    if (written !== undefined || this.options.whenFull !== 'drop_newest') return written;
    return this.drop(request, write);
  }

  /** Undefined: there is no room. */
  tryWrite(request: FuseRequest, write: WriteArguments): number | undefined {
    const { capture, queue, tree } = this.options;
    const { handle, start, end } = write;
    if (!this.hasRoom(handle, end - start)) return undefined;
    const written = tree.write(request, write);
    const taken = written === end - start ? write : { ...write, end: start + written };
    return whileRoom(() => {
      capture.write(request, taken);
      queue.wake();
      return written;
    });
  }

  private drop(request: FuseRequest, write: WriteArguments): number {
    const { capture, tree } = this.options;
    const written = tree.write(request, write);
    capture.skip(request, { ...write, end: write.start + written });
    return written;
  }

  private hasRoom(handle: number, bytes: number): boolean {
    const { capture, queue, whenFull } = this.options;
    const needed = capture.neededBytes(handle, bytes);
    if (queue.roomBytes() >= needed || (queue.collect() && queue.roomBytes() >= needed)) return true;
    if (whenFull !== 'drop_oldest') return false;
    queue.dropOldest(Math.max(needed, DROP_BYTES));
    return queue.roomBytes() >= needed;
  }
}

/** Runs what appends to the queue; undefined when the disk below the queue has no room. */
export function whileRoom<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!isQueueFull(error)) throw error;
    return undefined;
  }
}
