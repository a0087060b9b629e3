import type { ByteString } from '@k2hft/fuse';
import { linkSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { errorCode } from './handles-descriptors.js';
import { ROOT_ID, type Link } from './nodes-names.js';
import {
  HIDDEN_NAME,
  hiddenBelowRoot,
  hiddenBeside,
  hiddenPlaces,
  isHiddenName,
} from './overlay-hidden-names.js';
import type { OverlayNode } from './overlay-node-rows.js';
import type { OverlayNodes } from './overlay-nodes.js';
import { pathBytes, statOf, type OverlayPaths } from './overlay-paths.js';

const HIDDEN_DIRECTORY_MODE = 0o700;

/**
 * Files whose last name was removed while they were open. The file system below keeps such a file for as long as a process has
 * it open, but the process that has it open here may be killed and followed by another, which could not open it
 * again. So it gets a name that no program sees, until the last handle is closed.
 */
export class HiddenFiles {
  private directoryPresent: boolean;

  constructor(
    private readonly nodes: OverlayNodes,
    private readonly paths: OverlayPaths,
  ) {
    this.directoryPresent = statOf(this.directoryPath()) !== undefined;
  }

  /** Directories below the root that its link count counts, and that programs do not see. */
  directoryCount(): number {
    return this.directoryPresent ? 1 : 0;
  }

  /** Moves the file out of sight. It must have open handles. */
  hide(node: OverlayNode, path: ByteString, parent: number): void {
    this.place(node, parent, (target) => {
      renameSync(pathBytes(path), pathBytes(target));
    });
  }

  /**
   * Gives the file a second, hidden name before the name at `path` is taken by another file: that name then never is
   * missing, as rename(2) promises.
   */
  keep(node: OverlayNode, path: ByteString, parent: number): void {
    this.place(node, parent, (target) => {
      const leftover = statOf(target);
      // The earlier attempt of a worker that was killed.
      if (leftover !== undefined && this.nodes.isFile(node, leftover)) return;
      linkSync(pathBytes(path), pathBytes(target));
    });
  }

  /** Finds the hidden name that an earlier worker gave to the file, and was killed before it had stored that. */
  settle(node: OverlayNode): void {
    for (const place of hiddenPlaces(node)) {
      const stat = this.paths.statAt(place);
      if (stat === undefined || !this.nodes.isFile(node, stat)) continue;
      this.nodes.setHidden(node, place);
      return;
    }
  }

  /** The last handle is closed: the file may go. Returns true when that was its last name. */
  remove(node: OverlayNode): boolean {
    const hidden = node.hidden;
    if (hidden === undefined) return false;
    const stat = this.paths.statAt(hidden);
    ignoring(['ENOENT', 'ESTALE'], () => {
      unlinkSync(pathBytes(this.paths.entry(hidden.parent, hidden.name)));
    });
    if (hidden.parent === ROOT_ID) this.removeDirectory();
    this.nodes.setHidden(node, undefined);
    return stat === undefined ? node.links.length === 0 : stat.nlink === 1n;
  }

  /** Makes room in a directory that holds nothing but hidden files, so that it can be removed. */
  evacuate(directory: OverlayNode): boolean {
    const path = this.paths.directory(directory.id);
    const names = readdirSync(pathBytes(path), { encoding: 'latin1' });
    const above = directory.links[0]?.parent;
    if (above === undefined || names.length === 0 || !names.every(isHiddenName)) return false;
    for (const name of names) {
      const node = this.nodes.peek(Number(name.slice(HIDDEN_NAME.length + 1)));
      if (node === undefined || node.handles === 0) unlinkSync(pathBytes(`${path}/${name}`));
      else renameSync(pathBytes(`${path}/${name}`), pathBytes(this.paths.entry(above, name)));
    }
    return true;
  }

  /** A removed directory was empty, so the hidden files that once were in it have been moved to the one above. */
  movedAbove(directoryId: number, above: number): void {
    for (const node of this.nodes.all()) {
      if (node.hidden?.parent !== directoryId) continue;
      this.nodes.setHidden(node, { parent: above, name: node.hidden.name });
    }
  }

  /** Removes what an earlier mount left behind, before its nodes are forgotten. */
  sweep(): void {
    for (const node of [...this.nodes.all()]) {
      if (node.hidden === undefined) continue;
      try {
        this.remove(node);
      } catch {
        // It stays invisible; a mount must not fail because of it.
      }
    }
    if (!this.directoryPresent) return;
    try {
      for (const name of readdirSync(pathBytes(this.directoryPath()), { encoding: 'latin1' })) {
        unlinkSync(pathBytes(`${this.directoryPath()}/${name}`));
      }
      this.removeDirectory();
    } catch {
      // As above.
    }
  }

  private directoryPath(): ByteString {
    return this.paths.entry(ROOT_ID, HIDDEN_NAME);
  }

  /** Tries the directory below the root, then the file's own directory: only one of them may be on the file's device. */
  private place(node: OverlayNode, parent: number, move: (target: ByteString) => void): void {
    let place: Link = hiddenBelowRoot(node.id);
    try {
      this.makeDirectory();
      move(this.paths.entry(place.parent, place.name));
    } catch {
      this.directoryPresent = statOf(this.directoryPath()) !== undefined;
      place = hiddenBeside(node.id, parent);
      move(this.paths.entry(place.parent, place.name));
    }
    this.nodes.setHidden(node, place);
  }

  private makeDirectory(): void {
    if (this.directoryPresent) return;
    ignoring(['EEXIST'], () => {
      mkdirSync(pathBytes(this.directoryPath()), { mode: HIDDEN_DIRECTORY_MODE });
    });
    this.directoryPresent = true;
  }

  /** An empty directory is not left behind in what belongs to the user. */
  private removeDirectory(): void {
    ignoring(['ENOTEMPTY', 'EEXIST', 'ENOENT'], () => {
      rmdirSync(pathBytes(this.directoryPath()));
    });
    this.directoryPresent = statOf(this.directoryPath()) !== undefined;
  }
}

function ignoring(codes: readonly string[], call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!codes.includes(errorCode(error) ?? '')) throw error;
  }
}
