import type { ByteString, DirectoryFiller } from '@k2hft/fuse';
import { readdirSync, type BigIntStats } from 'node:fs';
import { attributesOf, FILE_TYPE } from './attributes.js';
import { DirectoryListings } from './handles-listings.js';
import type { Handle } from './handles.js';
import { ROOT_ID } from './nodes-names.js';
import type { OverlayEntries } from './overlay-entries.js';
import { isHiddenName } from './overlay-hidden-names.js';
import type { OverlayNodes } from './overlay-nodes.js';
import { pathBytes, statOf, type OverlayPaths } from './overlay-paths.js';

/** Lists directories. Node's own listing has no inode numbers, so each name is looked at, which also drops the removed ones. */
export class OverlayListing {
  private readonly listings = new DirectoryListings();

  constructor(
    private readonly nodes: OverlayNodes,
    private readonly paths: OverlayPaths,
    private readonly entries: OverlayEntries,
  ) {}

  readdir(handle: Handle, offset: number, filler: DirectoryFiller): void {
    this.list(handle, offset, (name, stat, next) => filler.add({ name, ...inodeOf(stat) }, next));
  }

  readdirplus(handle: Handle, offset: number, filler: DirectoryFiller): void {
    this.list(handle, offset, (name, stat, next) => {
      const listed = { name, ...inodeOf(stat) };
      if (name === '.' || name === '..') return filler.addWithEntry(listed, next, undefined);
      const node = this.nodes.adopt(stat, handle.nodeId, name);
      const added = filler.addWithEntry(listed, next, this.entries.entry(node, stat));
      if (added) this.nodes.countLookup(node);
      else this.nodes.saveOrDrop(node);
      return added;
    });
  }

  forget(handleId: number): void {
    this.listings.forget(handleId);
  }

  private list(
    handle: Handle,
    offset: number,
    add: (name: ByteString, stat: BigIntStats, nextOffset: number) => boolean,
  ): void {
    const path = this.paths.directory(handle.nodeId);
    this.listings.fill(
      handle.id,
      offset,
      () => readdirSync(pathBytes(path), { encoding: 'latin1' }).filter((name) => !isHiddenName(name)),
      (name, next) => {
        const stat = name === '..' ? this.statAbove(handle.nodeId) : statOf(`${path}/${name}`);
        return stat === undefined || add(name, stat, next);
      },
    );
  }

  /**
   * Never through the name '..' itself: below the directory that the mount covers, the kernel would go up into the mount,
   * and the worker would wait for itself. The root's own directory above is not part of the mount.
   */
  private statAbove(nodeId: number): BigIntStats | undefined {
    const above = this.nodes.get(nodeId).links[0]?.parent ?? ROOT_ID;
    return this.paths.statAt({ parent: above, name: '.' }) ?? statOf(`${this.paths.directory(nodeId)}/.`);
  }
}

function inodeOf(stat: BigIntStats): { ino: number; mode: number } {
  const { ino, mode } = attributesOf(stat);
  return { ino, mode: mode & FILE_TYPE };
}
