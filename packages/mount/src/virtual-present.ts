import type { ByteString } from '@k2hft/fuse';
import { DIRECTORY, isDirectoryMode, PERMISSIONS, REGULAR } from './attributes.js';
import { ROOT_ID } from './nodes-names.js';
import type { VirtualNodes } from './virtual-nodes.js';

const EXECUTE = 0o111;

/**
 * Makes the names that a new mount shows from the start (`mount.present`), with the directories on the way to them; those of
 * directories end in a slash. They belong to the owner of the mount point, with its permissions. What is there
 * already stays as it is, and keeps what would have to lie below a file from being made.
 */
export function makePresent(nodes: VirtualNodes, present: readonly string[]): void {
  for (const name of present) {
    const isDirectory = name.endsWith('/');
    const segments = name.split('/').filter((segment) => segment !== '');
    let parent = ROOT_ID;
    for (const [index, segment] of segments.entries()) {
      const next = childOf(nodes, parent, segment, isDirectory || index < segments.length - 1);
      if (next === undefined) break;
      parent = next;
    }
  }
}

/** The node of that name below `parent`; undefined when `parent` is no directory. */
function childOf(
  nodes: VirtualNodes,
  parent: number,
  segment: string,
  isDirectory: boolean,
): number | undefined {
  const directory = nodes.get(parent);
  if (!isDirectoryMode(directory.mode)) return undefined;
  const name: ByteString = Buffer.from(segment).toString('latin1');
  const found = directory.children.get(name);
  if (found !== undefined) return found.id;
  const { mode, uid, gid } = nodes.get(ROOT_ID);
  const permissions = mode & PERMISSIONS;
  const made = nodes.add({
    mode: isDirectory ? DIRECTORY | permissions : REGULAR | (permissions & ~EXECUTE & 0o777),
    uid,
    gid,
  });
  nodes.addLink(made, { parent, name });
  return made.id;
}
