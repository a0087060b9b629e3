import { FuseError, type ByteString, type Timestamp } from '@k2hft/fuse';
import { isDirectoryMode } from './attributes.js';
import { PersistentCounter } from './nodes-counter.js';
import { joinPath, ROOT_ID, type Link } from './nodes-names.js';
import type { PendingRows, RowReader } from './pending-rows.js';
import type { TailRings } from './tail-rings.js';
import {
  decodeVirtualNode,
  encodeVirtualContent,
  encodeVirtualNode,
  VIRTUAL_NODE_PREFIX,
  virtualContentKey,
  virtualNodeKey,
  type VirtualNode,
} from './virtual-node-rows.js';

const COUNTER_KEY = 'nc';

/**
 * A node takes about a kilobyte of memory and of the queue's room, neither of which `queue.max_size` counts. A directory of
 * logs has thousands.
 */
export const VIRTUAL_NODES_MAX = 1_000_000;

export interface NodeFields {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target?: Buffer;
}

/** The wall clock as timestamps carry it. Milliseconds are as fine as the kernel's own clock for files. */
export function presentTime(): Timestamp {
  const nowMs = Date.now();
  return { seconds: Math.floor(nowMs / 1000), nanos: (nowMs % 1000) * 1_000_000 };
}

/** The nodes, their names, and the rows that both are kept in. A node goes when no name, handle or lookup leads to it. */
export class VirtualNodes {
  private readonly nodes = new Map<number, VirtualNode>();
  private readonly counter: PersistentCounter;

  constructor(
    private readonly rows: PendingRows,
    stored: RowReader,
    private readonly rings: TailRings,
    root: NodeFields,
  ) {
    this.counter = new PersistentCounter(COUNTER_KEY, rows, stored, ROOT_ID + 1);
    for (const [key, value] of stored.rows(VIRTUAL_NODE_PREFIX)) {
      const id = parseInt(key.slice(VIRTUAL_NODE_PREFIX.length), 36);
      this.nodes.set(id, decodeVirtualNode(key, value, stored.row(virtualContentKey(id))));
    }
    if (!this.nodes.has(ROOT_ID)) this.insert(ROOT_ID, root);
    for (const node of this.nodes.values()) {
      node.links = node.links.filter((link) => this.attach(node, link));
    }
  }

  /** A new mount: the kernel knows no node, and what has no name any more is reached by nobody. */
  startMount(): void {
    for (const node of [...this.nodes.values()]) {
      if (node.lookups !== 0) {
        node.lookups = 0;
        this.save(node);
      }
      this.dropIfUnused(node);
    }
    this.rings.sweep((id) => this.nodes.has(id));
  }

  get count(): number {
    return this.nodes.size;
  }

  get(id: number): VirtualNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new FuseError('ESTALE');
    return node;
  }

  peek(id: number): VirtualNode | undefined {
    return this.nodes.get(id);
  }

  directory(id: number): VirtualNode {
    const node = this.get(id);
    if (!isDirectoryMode(node.mode)) throw new FuseError('ENOTDIR');
    return node;
  }

  add(fields: NodeFields): VirtualNode {
    if (this.nodes.size >= VIRTUAL_NODES_MAX) throw new FuseError('ENOSPC');
    return this.insert(this.counter.take(), fields);
  }

  countLookup(node: VirtualNode): void {
    if (node.id === ROOT_ID) return;
    node.lookups++;
    this.save(node);
  }

  forget(id: number, lookups: number): void {
    const node = this.nodes.get(id);
    if (node === undefined || id === ROOT_ID) return;
    node.lookups = Math.max(0, node.lookups - lookups);
    this.save(node);
    this.dropIfUnused(node);
  }

  opened(node: VirtualNode): void {
    node.handles++;
  }

  closed(node: VirtualNode): void {
    node.handles--;
    this.dropIfUnused(node);
  }

  /** The name must be free. */
  addLink(node: VirtualNode, link: Link): void {
    node.links.push(link);
    this.attach(node, link);
    this.save(node);
  }

  removeLink(node: VirtualNode, link: Link): void {
    if (node.links.length === 1) node.lastPath = this.pathOf(node.id);
    node.links = node.links.filter(({ parent, name }) => parent !== link.parent || name !== link.name);
    this.detach(node, link);
    this.save(node);
    this.dropIfUnused(node);
  }

  save(node: VirtualNode): void {
    this.rows.put(virtualNodeKey(node.id), encodeVirtualNode(node));
  }

  /** Stores sizes and times only. */
  saveContent(node: VirtualNode): void {
    this.rows.put(virtualContentKey(node.id), encodeVirtualContent(node));
  }

  pathOf(id: number): ByteString {
    if (id === ROOT_ID) return '';
    const node = this.get(id);
    const link = node.links[0];
    return link === undefined ? (node.lastPath ?? '') : joinPath(this.pathOf(link.parent), link.name);
  }

  /** Whether the way from `node` up to the root leads through `above`, or starts there. */
  isBelow(node: VirtualNode, above: VirtualNode): boolean {
    for (let at: VirtualNode | undefined = node; at !== undefined; at = this.parentOf(at)) {
      if (at === above) return true;
    }
    return false;
  }

  /** Of a directory; undefined for the root, and for one that was removed. */
  parentOf(node: VirtualNode): VirtualNode | undefined {
    const link = node.links[0];
    return link === undefined ? undefined : this.nodes.get(link.parent);
  }

  /** A directory without a name, in which a program may still stand. */
  isRemoved(node: VirtualNode): boolean {
    return node.id !== ROOT_ID && node.links.length === 0;
  }

  private insert(id: number, fields: NodeFields): VirtualNode {
    const now = presentTime();
    const node: VirtualNode = {
      id,
      mode: fields.mode,
      uid: fields.uid,
      gid: fields.gid,
      lookups: 0,
      handles: 0,
      links: [],
      target: fields.target,
      lastPath: undefined,
      sizeBytes: fields.target?.length ?? 0,
      keptFrom: 0,
      atime: now,
      mtime: now,
      ctime: now,
      children: new Map(),
      directories: 0,
    };
    this.nodes.set(id, node);
    this.save(node);
    this.saveContent(node);
    return node;
  }

  private attach(node: VirtualNode, { parent, name }: Link): boolean {
    const directory = this.nodes.get(parent);
    if (directory === undefined || directory.children.has(name)) return false;
    directory.children.set(name, node);
    if (isDirectoryMode(node.mode)) directory.directories++;
    return true;
  }

  private detach(node: VirtualNode, { parent, name }: Link): void {
    const directory = this.nodes.get(parent);
    if (directory?.children.get(name) !== node) return;
    directory.children.delete(name);
    if (isDirectoryMode(node.mode)) directory.directories--;
  }

  private dropIfUnused(node: VirtualNode): void {
    if (node.id === ROOT_ID || node.links.length > 0 || node.handles > 0) return;
    // Without a name and a handle nobody can open it any more, whatever the kernel still remembers of it.
    this.rings.remove(node.id);
    if (node.lookups > 0) return;
    this.nodes.delete(node.id);
    this.rows.delete(virtualNodeKey(node.id));
    this.rows.delete(virtualContentKey(node.id));
  }
}
