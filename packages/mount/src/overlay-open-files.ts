import { FuseError, type FuseRequest } from '@k2hft/fuse';
import { constants, openSync } from 'node:fs';
import { errorCode, type DescriptorCache } from './handles-descriptors.js';
import type { Handle, HandleTable } from './handles.js';
import type { OverlayNode } from './overlay-node-rows.js';
import type { OverlayNodes } from './overlay-nodes.js';
import { pathBytes, type OverlayPaths } from './overlay-paths.js';

const ACCESS_MODE = constants.O_RDONLY | constants.O_WRONLY | constants.O_RDWR;
/** Node does not name it on every platform that it is typed for. */
const O_NOATIME = 0o1000000;

/**
 * The flags that mean something for the file below. The kernel has done the others' work: it positions appended data
 * (O_APPEND), truncates with a request of its own (O_TRUNC) and bypasses its cache (O_DIRECT, which would ask for aligned
 * buffers here).
 */
const KEPT_FLAGS = constants.O_SYNC | constants.O_DSYNC | O_NOATIME;

/** The open files, and the descriptors behind them, which are opened when they are needed. */
export class OverlayOpenFiles {
  private readonly byNode = new Map<number, Set<number>>();

  constructor(
    private readonly handles: HandleTable,
    private readonly descriptors: DescriptorCache,
    private readonly nodes: OverlayNodes,
    private readonly paths: OverlayPaths,
  ) {}

  /** Counts the handles that an earlier worker left open. */
  takeOver(): void {
    for (const handle of this.handles.all()) {
      const node = this.nodes.peek(handle.nodeId);
      if (node !== undefined) this.count(handle, node);
    }
  }

  open(request: FuseRequest, node: OverlayNode, flags: number): Handle {
    const before = this.handles.madeBefore(request);
    if (before !== undefined) return before;
    // Opening comes first: what cannot be opened gets no handle.
    return this.adopt(request, node, flags, this.openFile(node, flags));
  }

  /** Makes a handle for a file that is open already. */
  adopt(request: FuseRequest, node: OverlayNode, flags: number, fd: number): Handle {
    const handle = this.handles.add(request, node.id, flags, false);
    this.count(handle, node);
    this.descriptors.put(handle.id, fd);
    return handle;
  }

  descriptor(handleId: number): number {
    const handle = this.handles.get(handleId);
    if (handle.directory) throw new FuseError('EISDIR');
    return this.descriptors.get(handleId, () => this.openFile(this.nodes.get(handle.nodeId), handle.flags));
  }

  /** A descriptor through which the file is open at present; it may have no name any more. */
  anyDescriptor(node: OverlayNode): number | undefined {
    for (const handle of this.byNode.get(node.id) ?? []) {
      const fd = this.descriptors.peek(handle);
      if (fd !== undefined) return fd;
    }
    return undefined;
  }

  /** Returns the node when the handle was open. */
  close(handleId: number): OverlayNode | undefined {
    this.descriptors.close(handleId);
    const handle = this.handles.remove(handleId);
    if (handle === undefined) return undefined;
    const others = this.byNode.get(handle.nodeId);
    others?.delete(handleId);
    if (others?.size === 0) this.byNode.delete(handle.nodeId);
    const node = this.nodes.peek(handle.nodeId);
    if (node !== undefined) this.nodes.closed(node);
    return node;
  }

  /** Directories have handles, too, but no descriptors of their own. */
  openDirectory(request: FuseRequest, node: OverlayNode, flags: number): Handle {
    const before = this.handles.madeBefore(request);
    if (before !== undefined) return before;
    const handle = this.handles.add(request, node.id, flags, true);
    this.count(handle, node);
    return handle;
  }

  private count(handle: Handle, node: OverlayNode): void {
    this.nodes.opened(node);
    if (handle.directory) return;
    const others = this.byNode.get(node.id) ?? new Set();
    this.byNode.set(node.id, others.add(handle.id));
  }

  private openFile(node: OverlayNode, flags: number): number {
    return this.paths.pinned(node, (path, stat) => {
      if (stat.isDirectory()) throw new FuseError('EISDIR');
      // A FIFO must never be opened here: it would block the one thread that serves everybody.
      if (!stat.isFile()) throw new FuseError('ENXIO');
      return openWith(path, flags);
    });
  }
}

/**
 * A file that a program opened for writing only is read, too, when it is mapped into memory: the kernel fills the rest of
 * a page. So more is asked for than the program did, and less is taken where the file system below says no.
 */
function openWith(path: string, flags: number): number {
  const kept = flags & KEPT_FLAGS;
  const access = flags & ACCESS_MODE;
  const wider = access === constants.O_WRONLY ? constants.O_RDWR : access;
  const attempts = [wider | kept, access | kept, access | (kept & ~O_NOATIME)];
  for (const attempt of attempts.slice(0, -1)) {
    try {
      return openSync(pathBytes(path), attempt);
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
    }
  }
  return openSync(pathBytes(path), attempts[attempts.length - 1] ?? access);
}
