import { FuseError, type ByteString, type FuseRequest } from '@k2hft/fuse';
import { renameSync, rmdirSync, unlinkSync, type BigIntStats } from 'node:fs';
import { errorCode } from './handles-descriptors.js';
import type { Link } from './nodes-names.js';
import type { HiddenFiles } from './overlay-hidden.js';
import type { OverlayNode } from './overlay-node-rows.js';
import type { OverlayNodes } from './overlay-nodes.js';
import { pathBytes, statOf, type OverlayPaths } from './overlay-paths.js';

/** From <linux/fs.h>, for renameat2(2). */
const RENAME_NOREPLACE = 1;

/**
 * Takes names away: unlink, rmdir and rename. What stands under a name may be open, and then stays within reach
 * under a hidden one.
 *
 * The file system below is changed before the rows are stored, so a worker that is killed in between leaves a change that
 * no row knows. The request is then handed out again, finds its work done, and brings the nodes up to date.
 */
export class OverlayRemoval {
  constructor(
    private readonly nodes: OverlayNodes,
    private readonly paths: OverlayPaths,
    private readonly hidden: HiddenFiles,
  ) {}

  unlink(request: FuseRequest, name: ByteString): void {
    const link = { parent: request.nodeId, name };
    const path = this.paths.entry(link.parent, name);
    const stat = statOf(path);
    if (stat === undefined) {
      this.removedBefore(request, link);
      return;
    }
    if (stat.isDirectory()) throw new FuseError('EISDIR');
    const node = this.nodes.find(stat);
    if (node === undefined || !this.isLastWay(node, link) || !this.hide(node, path, link)) {
      unlinkSync(pathBytes(path));
    }
    if (node !== undefined) this.lost(node, link, stat);
  }

  rmdir(request: FuseRequest, name: ByteString): void {
    const link = { parent: request.nodeId, name };
    const path = this.paths.entry(link.parent, name);
    const stat = statOf(path);
    if (stat === undefined) {
      this.removedBefore(request, link);
      return;
    }
    this.overHidden(this.nodes.find(stat), () => {
      rmdirSync(pathBytes(path));
    });
    const node = this.nodes.find(stat);
    if (node !== undefined) this.lost(node, link, stat);
  }

  rename(request: FuseRequest, from: Link, to: Link, flags: number): void {
    // Node has no renameat2(2): exchanging, and leaving a whiteout, cannot be done in one step.
    if ((flags & ~RENAME_NOREPLACE) !== 0) throw new FuseError('EINVAL');
    const source = statOf(this.paths.entry(from.parent, from.name));
    const target = statOf(this.paths.entry(to.parent, to.name));
    if (source === undefined) {
      this.renamedBefore(request, from, to, target);
      return;
    }
    // A look before the change is enough: everybody who is served here is served one after the other.
    if (target !== undefined && (flags & RENAME_NOREPLACE) !== 0) throw new FuseError('EEXIST');
    // Two names of one file: rename(2) does nothing then.
    if (target !== undefined && target.ino === source.ino && target.dev === source.dev) return;
    this.replace(from, to, target);
    const moved = this.nodes.find(source);
    const replaced = target && this.nodes.find(target);
    if (target !== undefined && replaced !== undefined) this.lost(replaced, to, target);
    if (moved !== undefined) this.move(moved, from, to);
  }

  private replace(from: Link, to: Link, target: BigIntStats | undefined): void {
    const node = target && this.nodes.find(target);
    const kept = node !== undefined && this.isLastWay(node, to) && this.keep(node, to);
    try {
      this.overHidden(node, () => {
        // The paths are made anew each time: moving hidden files away may have opened other directories.
        renameSync(
          pathBytes(this.paths.entry(from.parent, from.name)),
          pathBytes(this.paths.entry(to.parent, to.name)),
        );
      });
    } catch (error) {
      if (kept) this.hidden.remove(node);
      throw error;
    }
  }

  private keep(node: OverlayNode, to: Link): boolean {
    try {
      this.hidden.keep(node, this.paths.entry(to.parent, to.name), to.parent);
      return true;
    } catch {
      // Without a hidden name the handles work on for as long as this worker lives.
      return false;
    }
  }

  private hide(node: OverlayNode, path: ByteString, link: Link): boolean {
    try {
      this.hidden.hide(node, path, link.parent);
      return true;
    } catch {
      // As above; and where the name cannot be removed at all, unlink itself says why.
      return false;
    }
  }

  /** Removes a directory, or replaces it, once more when nothing but hidden files stood in the way. */
  private overHidden(directory: OverlayNode | undefined, remove: () => void): void {
    try {
      remove();
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      if (directory?.directory !== true || !this.hidden.evacuate(directory)) throw error;
      remove();
    }
  }

  private isLastWay(node: OverlayNode, link: Link): boolean {
    if (node.handles === 0 || node.directory) return false;
    return !node.links.some(({ parent, name }) => {
      if (parent === link.parent && name === link.name) return false;
      const stat = this.paths.statAt({ parent, name });
      return stat !== undefined && this.nodes.isFile(node, stat);
    });
  }

  /** The file that `stat` described has lost this name. */
  private lost(node: OverlayNode, link: Link, stat: BigIntStats): void {
    if (node.directory) this.lostDirectory(node, link);
    else if (stat.nlink === 1n && node.hidden === undefined) this.nodes.retire(node);
    else this.nodes.loseLink(node, link);
  }

  private lostDirectory(node: OverlayNode, link: Link): void {
    this.hidden.movedAbove(node.id, link.parent);
    this.paths.close(node.id);
    this.nodes.retire(node);
  }

  private move(node: OverlayNode, from: Link, to: Link): void {
    this.nodes.addLink(node, to);
    this.nodes.loseLink(node, from);
  }

  private removedBefore(request: FuseRequest, link: Link): void {
    const node = this.nodes.named(link.parent, link.name);
    if (request.resent && node !== undefined) this.lostBefore(node, link);
    if (!request.resent) throw new FuseError('ENOENT');
  }

  private lostBefore(node: OverlayNode, link: Link): void {
    if (node.handles > 0 && node.hidden === undefined && !node.directory) this.hidden.settle(node);
    if (node.directory) this.lostDirectory(node, link);
    else if (this.paths.search(node) === undefined) this.nodes.retire(node);
    else this.nodes.loseLink(node, link);
  }

  private renamedBefore(request: FuseRequest, from: Link, to: Link, target: BigIntStats | undefined): void {
    const moved = this.nodes.named(from.parent, from.name);
    if (target === undefined || !request.resent) throw new FuseError('ENOENT');
    const replaced = this.nodes.named(to.parent, to.name);
    if (replaced !== undefined && replaced !== moved && !this.nodes.isFile(replaced, target)) {
      this.lostBefore(replaced, to);
    }
    if (moved !== undefined && this.nodes.isFile(moved, target)) this.move(moved, from, to);
  }
}
