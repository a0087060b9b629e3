import { FuseError, type ByteString } from '@k2hft/fuse';
import type { BigIntStats } from 'node:fs';
import { PersistentCounter } from './nodes-counter.js';
import { joinPath, linkKey, ROOT_ID, type Link } from './nodes-names.js';
import {
  decodeOverlayNode,
  encodeOverlayNode,
  identityOf,
  OVERLAY_NODE_PREFIX,
  overlayNodeKey,
  type OverlayNode,
} from './overlay-node-rows.js';
import type { PendingRows, RowReader } from './pending-rows.js';

const COUNTER_KEY = 'nc';

const inodeKey = (dev: bigint, ino: bigint): string => `${dev}:${ino}`;

/**
 * Which number stands for which file. A node belongs to a file, not to a name: hard links share it, and it keeps its
 * number through renames. It lives as long as the kernel may name it (lookups, open handles) or another node's path
 * leads through it.
 *
 * Every change is put into the rows at once. Lookup counts are never stored lower than what the kernel counts: a node that
 * is kept too long costs memory, one that is forgotten too early breaks the program that uses it.
 */
export class OverlayNodes {
  private readonly nodes = new Map<number, OverlayNode>();
  private readonly byInode = new Map<string, OverlayNode>();
  private readonly byLink = new Map<string, OverlayNode>();
  private readonly counter: PersistentCounter;
  /**
   * Whether the times of birth mean something. Without statx(2) Node shows the time of change instead, which must not
   * be taken for a sign of another file.
   */
  private birthKnown = false;

  constructor(
    private readonly rows: PendingRows,
    stored: RowReader,
    root: BigIntStats,
  ) {
    this.counter = new PersistentCounter(COUNTER_KEY, rows, stored, ROOT_ID + 1);
    this.register(newNode(ROOT_ID, root));
    for (const [key, value] of stored.rows(OVERLAY_NODE_PREFIX)) {
      this.register(decodeOverlayNode(key, value));
    }
    for (const node of this.nodes.values()) {
      for (const link of node.links) this.countChild(link.parent, 1);
      if (node.hidden !== undefined) this.countChild(node.hidden.parent, 1);
    }
  }

  /** Forgets every node but the root: a new mount knows none. */
  clear(): void {
    for (const node of this.nodes.values()) {
      if (node.id !== ROOT_ID) this.rows.delete(overlayNodeKey(node.id));
    }
    const root = this.get(ROOT_ID);
    root.children = 0;
    root.handles = 0;
    this.nodes.clear();
    this.byInode.clear();
    this.byLink.clear();
    this.register(root);
  }

  all(): Iterable<OverlayNode> {
    return this.nodes.values();
  }

  get(id: number): OverlayNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new FuseError('ESTALE');
    return node;
  }

  peek(id: number): OverlayNode | undefined {
    return this.nodes.get(id);
  }

  /** The node of the file that `stat` describes, if it has one. */
  find(stat: BigIntStats): OverlayNode | undefined {
    const node = this.byInode.get(inodeKey(stat.dev, stat.ino));
    if (node === undefined || this.isFile(node, stat)) return node;
    // The inode number was given to another file since: the one that had it is gone.
    this.retire(node);
    return undefined;
  }

  /** Whether `stat` describes the very file of `node`. */
  isFile(node: OverlayNode, stat: BigIntStats): boolean {
    const identity = node.identity;
    if (identity === undefined || identity.dev !== stat.dev || identity.ino !== stat.ino) return false;
    if (node.directory !== stat.isDirectory()) return false;
    this.birthKnown ||= stat.birthtimeNs !== stat.ctimeNs;
    return !this.birthKnown || identity.bornNs === stat.birthtimeNs;
  }

  named(parent: number, name: ByteString): OverlayNode | undefined {
    return this.byLink.get(linkKey(parent, name));
  }

  /** The node of the file that was seen under this name, made if there is none. The caller counts the lookup, or releases it. */
  adopt(stat: BigIntStats, parent: number, name: ByteString): OverlayNode {
    const present = this.find(stat);
    const node = present ?? newNode(this.counter.take(), stat);
    if (present === undefined) this.register(node);
    if (this.named(parent, name) !== node) {
      this.addLink(node, { parent, name });
      this.save(node);
    }
    return node;
  }

  countLookup(node: OverlayNode): void {
    if (node.id === ROOT_ID) return;
    node.lookups++;
    this.save(node);
  }

  forget(id: number, lookups: number): void {
    const node = this.nodes.get(id);
    if (node === undefined || id === ROOT_ID) return;
    node.lookups = Math.max(0, node.lookups - lookups);
    this.saveOrDrop(node);
  }

  /** The caller saves the node. */
  addLink(node: OverlayNode, link: Link): void {
    const key = linkKey(link.parent, link.name);
    const earlier = this.byLink.get(key);
    if (earlier === node) return;
    if (node.directory) this.cutLoop(node, link.parent);
    node.links.push(link);
    this.byLink.set(key, node);
    this.countChild(link.parent, 1);
    if (earlier !== undefined) this.loseLink(earlier, link);
    // A directory has one name: another one that it was seen under before is not its name any more.
    if (node.directory) for (const old of node.links.slice(0, -1)) this.removeLink(node, old);
  }

  /** The name is known to be no name of this node, or no longer. */
  loseLink(node: OverlayNode, link: Link): void {
    this.removeLink(node, link);
    this.saveOrDrop(node);
  }

  setHidden(node: OverlayNode, hidden: Link | undefined): void {
    const before = node.hidden;
    node.hidden = hidden;
    if (hidden !== undefined) this.countChild(hidden.parent, 1);
    if (before !== undefined) this.countChild(before.parent, -1);
    this.saveOrDrop(node);
  }

  /** The file is gone: its inode number may be another's from now on. */
  retire(node: OverlayNode): void {
    for (const link of [...node.links]) this.removeLink(node, link);
    if (node.identity !== undefined) this.byInode.delete(inodeKey(node.identity.dev, node.identity.ino));
    node.identity = undefined;
    this.saveOrDrop(node);
  }

  /** Stores the node as it is now, or lets go of it when nothing leads to it any more. */
  saveOrDrop(node: OverlayNode): void {
    if (node.id === ROOT_ID || this.nodes.get(node.id) !== node) return;
    if (isUsed(node)) this.save(node);
    else this.drop(node);
  }

  private drop(node: OverlayNode): void {
    this.nodes.delete(node.id);
    this.rows.delete(overlayNodeKey(node.id));
    for (const link of [...node.links]) this.removeLink(node, link);
    if (node.identity !== undefined) this.byInode.delete(inodeKey(node.identity.dev, node.identity.ino));
  }

  opened(node: OverlayNode): void {
    node.handles++;
  }

  closed(node: OverlayNode): void {
    node.handles--;
    this.saveOrDrop(node);
  }

  /** Logical path below the mount point; that of a removed file is the one it had last. */
  pathOf(id: number): ByteString {
    return this.pathOfNode(this.get(id));
  }

  private pathOfNode(node: OverlayNode | undefined): ByteString {
    const link = node?.links[0];
    return link === undefined
      ? (node?.lastPath ?? '')
      : joinPath(this.pathOfNode(this.nodes.get(link.parent)), link.name);
  }

  private removeLink(node: OverlayNode, link: Link): void {
    const index = node.links.findIndex(({ parent, name }) => parent === link.parent && name === link.name);
    if (index < 0) return;
    if (node.links.length === 1) node.lastPath = this.pathOfNode(node);
    node.links.splice(index, 1);
    const key = linkKey(link.parent, link.name);
    if (this.byLink.get(key) === node) this.byLink.delete(key);
    this.countChild(link.parent, -1);
  }

  /**
   * Directories that others moved from outside may be known by names that contradict each other. When the way up from
   * `parent` leads through `node` itself, the name on that way that hangs below `node` is the outdated one.
   */
  private cutLoop(node: OverlayNode, parent: number): void {
    let above = this.nodes.get(parent);
    while (above !== undefined && above.id !== ROOT_ID) {
      const link = above.links[0];
      if (link === undefined) return;
      if (link.parent === node.id) {
        this.loseLink(above, link);
        return;
      }
      above = this.nodes.get(link.parent);
    }
  }

  private save(node: OverlayNode): void {
    this.rows.put(overlayNodeKey(node.id), encodeOverlayNode(node));
  }

  private register(node: OverlayNode): void {
    this.nodes.set(node.id, node);
    for (const link of node.links) this.byLink.set(linkKey(link.parent, link.name), node);
    if (node.identity !== undefined) {
      this.byInode.set(inodeKey(node.identity.dev, node.identity.ino), node);
    }
  }

  private countChild(parentId: number, by: 1 | -1): void {
    const parent = this.nodes.get(parentId);
    if (parent === undefined) return;
    parent.children += by;
    if (parentId !== ROOT_ID && !isUsed(parent)) this.drop(parent);
  }
}

function isUsed(node: OverlayNode): boolean {
  return node.lookups > 0 || node.handles > 0 || node.children > 0 || node.hidden !== undefined;
}

function newNode(id: number, stat: BigIntStats): OverlayNode {
  return {
    id,
    identity: identityOf(stat),
    directory: stat.isDirectory(),
    lookups: 0,
    handles: 0,
    children: 0,
    links: [],
    hidden: undefined,
    lastPath: undefined,
  };
}
