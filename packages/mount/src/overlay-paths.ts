import { FuseError, type ByteString } from '@k2hft/fuse';
import { closeSync, constants, fstatSync, lstatSync, openSync, type BigIntStats } from 'node:fs';
import { errorCode, type DescriptorCache } from './handles-descriptors.js';
import { ROOT_ID, type Link } from './nodes-names.js';
import { hiddenPlaces } from './overlay-hidden-names.js';
import type { OverlayNode } from './overlay-node-rows.js';
import type { OverlayNodes } from './overlay-nodes.js';

/** From <fcntl.h>; Node does not name it. It opens the place of a file, without any right to its content. */
const O_PATH = 0o10000000;

export const O_PATH_NOFOLLOW = O_PATH | constants.O_NOFOLLOW;
const O_PATH_DIRECTORY = O_PATH_NOFOLLOW | constants.O_DIRECTORY;

/** File descriptors and directories share one cache: handles have positive keys, directories' node ids negative ones. */
const directoryKey = (nodeId: number): number => -nodeId;

export function pathBytes(path: ByteString): Buffer {
  return Buffer.from(path, 'latin1');
}

/** The file itself, whatever its names are now. */
export function descriptorPath(fd: number): ByteString {
  return `/proc/self/fd/${fd}`;
}

/** Undefined when nothing is there. */
export function statOf(path: ByteString): BigIntStats | undefined {
  return lstatSync(pathBytes(path), { bigint: true, throwIfNoEntry: false });
}

/** Stands for the name of a file within its directory, and knows which file it found there. */
export interface Located {
  readonly path: ByteString;
  readonly stat: BigIntStats;
}

/**
 * Where nodes are found below the mount. A path is always a single name below a directory that is held open: the worker has
 * more rights than the programs it serves, and while it walks a path, somebody with access to the directory below the
 * mount could put a symlink in the place of one of its directories. For the same reason the last name is never
 * followed, and what is found under it is compared with the file that the kernel means.
 */
export class OverlayPaths {
  constructor(
    private readonly root: ByteString,
    private readonly nodes: OverlayNodes,
    private readonly descriptors: DescriptorCache,
  ) {}

  /** A path that leads to this directory, usable until other directories have been opened. */
  directory(nodeId: number): ByteString {
    if (nodeId === ROOT_ID) return this.root;
    const node = this.nodes.get(nodeId);
    if (!node.directory) throw new FuseError('ENOTDIR');
    return descriptorPath(this.descriptors.get(directoryKey(nodeId), () => this.openDirectory(node)));
  }

  entry(parentId: number, name: ByteString): ByteString {
    return `${this.directory(parentId)}/${name}`;
  }

  /** What stands under this name, if its directory can still be reached. */
  statAt(link: Link): BigIntStats | undefined {
    const directory = this.directoryIfThere(link.parent);
    return directory === undefined ? undefined : statOf(`${directory}/${link.name}`);
  }

  /** Lets go of a directory that was removed. */
  close(nodeId: number): void {
    this.descriptors.close(directoryKey(nodeId));
  }

  /** Finds the file by the names it is known under. Throws ESTALE when none of them is its name any more. */
  locate(node: OverlayNode): Located {
    const found = this.search(node);
    if (found === undefined) throw new FuseError(node.identity === undefined ? 'ENOENT' : 'ESTALE');
    return found;
  }

  search(node: OverlayNode): Located | undefined {
    if (node.id === ROOT_ID || this.descriptors.peek(directoryKey(node.id)) !== undefined) {
      // The trailing dot goes through the descriptor's link, to the directory.
      const path = `${this.directory(node.id)}/.`;
      return { path, stat: lstatSync(pathBytes(path), { bigint: true }) };
    }
    for (const path of this.candidates(node)) {
      const stat = statOf(path);
      if (stat !== undefined && this.nodes.isFile(node, stat)) return { path, stat };
    }
    return undefined;
  }

  /**
   * Calls `use` with a path that leads to exactly this file or symlink, whatever happens to its names meanwhile.
   * System calls that follow symlinks stop at it.
   */
  pinned<T>(node: OverlayNode, use: (path: ByteString, stat: BigIntStats) => T): T {
    const fd = openSync(pathBytes(this.locate(node).path), O_PATH_NOFOLLOW);
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!this.nodes.isFile(node, stat)) throw new FuseError('ESTALE');
      return use(descriptorPath(fd), stat);
    } finally {
      closeSync(fd);
    }
  }

  private openDirectory(node: OverlayNode): number {
    for (const path of this.candidates(node)) {
      const fd = openIfThere(path);
      if (fd === undefined) continue;
      if (this.nodes.isFile(node, fstatSync(fd, { bigint: true }))) return fd;
      closeSync(fd);
    }
    throw new FuseError(node.identity === undefined ? 'ENOENT' : 'ESTALE');
  }

  private *candidates(node: OverlayNode): Iterable<ByteString> {
    for (const { parent, name } of [...node.links, ...hiddenPlaces(node)]) {
      const directory = this.directoryIfThere(parent);
      if (directory !== undefined) yield `${directory}/${name}`;
    }
  }

  private directoryIfThere(nodeId: number): ByteString | undefined {
    try {
      return this.directory(nodeId);
    } catch (error) {
      if (error instanceof FuseError) return undefined;
      throw error;
    }
  }
}

function openIfThere(path: ByteString): number | undefined {
  try {
    return openSync(pathBytes(path), O_PATH_DIRECTORY);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}
