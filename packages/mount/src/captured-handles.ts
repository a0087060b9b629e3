import type { ByteString, Opened } from '@k2hft/fuse';
import type { Capture } from './capture.js';
import { whileRoom } from './captured-writes.js';
import type { MountQueue } from './mount-queue.js';

/** O_ACCMODE: reading alone is 0, writing alone 1. */
const ACCESS_MODE_MASK = 3;

export interface CapturedHandlesOptions {
  capture: Capture;
  queue: MountQueue;
  /** Handles that only write and whose bytes are sent bypass the kernel's cache: one copy less. */
  directWrites: boolean;
}

/** The streams of handles as these are opened, flushed and closed, whether the queue has room just then or not. */
export class CapturedHandles {
  /** Closed handles whose unfinished line found no room yet. */
  private readonly unended = new Set<number>();

  constructor(private readonly options: CapturedHandlesOptions) {}

  opened(opened: Opened, nodeId: number, flags: number, path: ByteString): void {
    const access = flags & ACCESS_MODE_MASK;
    if (access === 0) return;
    const { capture, directWrites } = this.options;
    capture.open(opened.handle, nodeId, path);
    if (directWrites && access === 1 && capture.has(opened.handle)) opened.directIo = true;
  }

  /** A chunk that finds no room stays with its stream, and goes with what comes next. */
  flushChunk(handle: number): void {
    const { capture, queue } = this.options;
    whileRoom(() => {
      capture.flush(handle);
      queue.wake();
    });
  }

  closed(handle: number): void {
    const { capture, queue } = this.options;
    if (!capture.has(handle)) return;
    this.unended.add(handle);
    whileRoom(() => {
      capture.end(handle);
      this.unended.delete(handle);
      queue.wake();
    });
  }

  /** Ends what found no room when it was closed. */
  retry(): void {
    for (const handle of [...this.unended]) this.closed(handle);
  }
}
