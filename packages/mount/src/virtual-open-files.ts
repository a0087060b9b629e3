import { FuseError, type FuseRequest, type Opened } from '@k2hft/fuse';
import { isDirectoryMode, isRegularMode } from './attributes.js';
import type { HandleTable } from './handles.js';
import type { VirtualNode } from './virtual-node-rows.js';
import type { VirtualNodes } from './virtual-nodes.js';

/** The open files and directories. A node stays for as long as it is open. */
export class VirtualOpenFiles {
  constructor(
    private readonly handles: HandleTable,
    private readonly nodes: VirtualNodes,
  ) {}

  /** Counts the handles that an earlier worker left open. */
  takeOver(): void {
    for (const { nodeId } of this.handles.all()) {
      const node = this.nodes.peek(nodeId);
      if (node !== undefined) this.nodes.opened(node);
    }
  }

  open(request: FuseRequest, node: VirtualNode, flags: number): Opened {
    if (isDirectoryMode(node.mode)) throw new FuseError('EISDIR');
    if (!isRegularMode(node.mode)) throw new FuseError('ENXIO');
    // The kernel's page cache would show bytes that are not kept, and would take writes larger than they were made.
    return { handle: this.add(request, node, flags, false), directIo: true };
  }

  openDirectory(request: FuseRequest, node: VirtualNode, flags: number): Opened {
    return { handle: this.add(request, node, flags, true) };
  }

  /** The file behind a handle. */
  node(handleId: number): VirtualNode {
    const handle = this.handles.get(handleId);
    if (handle.directory) throw new FuseError('EISDIR');
    return this.nodes.get(handle.nodeId);
  }

  close(handleId: number): void {
    const handle = this.handles.remove(handleId);
    const node = handle && this.nodes.peek(handle.nodeId);
    if (node !== undefined) this.nodes.closed(node);
  }

  private add(request: FuseRequest, node: VirtualNode, flags: number, isDirectory: boolean): number {
    const before = this.handles.madeBefore(request);
    if (before !== undefined) return before.id;
    const handle = this.handles.add(request, node.id, flags, isDirectory);
    this.nodes.opened(node);
    return handle.id;
  }
}
