import type { Attributes, ByteString, DirectoryFiller, Entry } from '@k2hft/fuse';
import { FILE_TYPE, isDirectoryMode, showAttributes, STAT_BLOCK_BYTES, type Shown } from './attributes.js';
import { DirectoryListings } from './handles-listings.js';
import type { Handle } from './handles.js';
import type { VirtualNode } from './virtual-node-rows.js';
import type { VirtualNodes } from './virtual-nodes.js';

/** Nobody but the kernel changes these files, so what it was told stays true. An hour, as a day would be no better. */
export const VIRTUAL_VALID_MS = 3_600_000;

/** What a directory shows as its size, and what programs are told to read and write at a time. */
const DIRECTORY_BYTES = 4096;
const BLOCK_BYTES = 4096;

/** Shows nodes to the kernel: single ones and whole directories. */
export class VirtualEntries {
  private readonly listings = new DirectoryListings();

  constructor(
    private readonly nodes: VirtualNodes,
    private readonly shown: Shown,
  ) {}

  attributes(node: VirtualNode): Attributes {
    const directory = isDirectoryMode(node.mode);
    const sizeBytes = directory ? DIRECTORY_BYTES : node.sizeBytes;
    const attributes = {
      ino: node.id,
      sizeBytes,
      blocks: Math.ceil(sizeBytes / STAT_BLOCK_BYTES),
      atime: node.atime,
      mtime: node.mtime,
      ctime: node.ctime,
      mode: node.mode,
      nlink: directory ? this.directoryLinks(node) : node.links.length,
      uid: node.uid,
      gid: node.gid,
      rdev: 0,
      blockBytes: BLOCK_BYTES,
    };
    return showAttributes(attributes, this.shown);
  }

  entry(node: VirtualNode): Entry {
    return {
      nodeId: node.id,
      // Node ids are never given out twice, so there is nothing for generations to tell apart.
      generation: 0,
      attributes: this.attributes(node),
      entryValidMs: VIRTUAL_VALID_MS,
      attributesValidMs: VIRTUAL_VALID_MS,
    };
  }

  readdir(handle: Handle, offset: number, filler: DirectoryFiller): void {
    this.list(handle, offset, (name, node, next) => filler.add(listed(name, node), next));
  }

  readdirplus(handle: Handle, offset: number, filler: DirectoryFiller): void {
    this.list(handle, offset, (name, node, next) => {
      if (name === '.' || name === '..') return filler.addWithEntry(listed(name, node), next, undefined);
      const added = filler.addWithEntry(listed(name, node), next, this.entry(node));
      if (added) this.nodes.countLookup(node);
      return added;
    });
  }

  forgetListing(handleId: number): void {
    this.listings.forget(handleId);
  }

  private list(
    handle: Handle,
    offset: number,
    add: (name: ByteString, node: VirtualNode, nextOffset: number) => boolean,
  ): void {
    const directory = this.nodes.directory(handle.nodeId);
    // Sorted, so that the list is the same in the next worker, whose children come in another order.
    const names = () => [...directory.children.keys()].sort();
    this.listings.fill(handle.id, offset, names, (name, next) => {
      const node = this.named(directory, name);
      return node === undefined || add(name, node, next);
    });
  }

  private named(directory: VirtualNode, name: ByteString): VirtualNode | undefined {
    if (name === '.') return directory;
    if (name === '..') return this.nodes.parentOf(directory) ?? directory;
    return directory.children.get(name);
  }

  /** Its own name, its '.', and the '..' of each directory in it. */
  private directoryLinks(node: VirtualNode): number {
    return this.nodes.isRemoved(node) ? 0 : 2 + node.directories;
  }
}

function listed(name: ByteString, node: VirtualNode): { name: ByteString; ino: number; mode: number } {
  return { name, ino: node.id, mode: node.mode & FILE_TYPE };
}
