import type { BigIntStats } from 'node:fs';
import type { ByteString } from '@k2hft/fuse';
import type { Link } from './nodes-names.js';

/**
 * What tells a file from every other: its place in its file system, and when it was made, because inode numbers of
 * removed files are given out again at once.
 */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly bornNs: bigint;
}

/** A file or directory below the mount that the kernel knows by a number. */
export interface OverlayNode {
  readonly id: number;
  /** Undefined once the file is known to be gone: its inode number may belong to another one. */
  identity: Identity | undefined;
  readonly directory: boolean;
  /** How many lookups the kernel has not taken back. */
  lookups: number;
  /** Open handles. Counted anew from their own rows by each worker. */
  handles: number;
  /** Names of other nodes that stand in this directory. Counted anew by each worker. */
  children: number;
  /** The names it was seen under, oldest first. Others may have changed them from outside. */
  links: Link[];
  /** Where the file waits for its last close, after its last name was removed. */
  hidden: Link | undefined;
  /** The path it had before its last name was removed. */
  lastPath: ByteString | undefined;
}

const ROW_PREFIX = 'no';
const KEY_RADIX = 36;

export const OVERLAY_NODE_PREFIX = ROW_PREFIX;

export function overlayNodeKey(id: number): string {
  return ROW_PREFIX + id.toString(KEY_RADIX);
}

export function identityOf(stat: BigIntStats): Identity {
  return { dev: stat.dev, ino: stat.ino, bornNs: stat.birthtimeNs };
}

type StoredLink = [parent: number, name: string];

interface StoredNode {
  /** dev, ino and birth in ns, decimal; absent when the file is gone. */
  i?: [string, string, string];
  d?: 1;
  l: number;
  k: StoredLink[];
  x?: StoredLink;
  p?: string;
}

const storedLink = (link: Link): StoredLink => [link.parent, link.name];
const linkOf = ([parent, name]: StoredLink): Link => ({ parent, name });

/** The row of a node: JSON, one byte per character, as names are byte strings. */
export function encodeOverlayNode(node: OverlayNode): Buffer {
  const stored: StoredNode = { l: node.lookups, k: node.links.map(storedLink) };
  if (node.identity !== undefined) {
    const { dev, ino, bornNs } = node.identity;
    stored.i = [String(dev), String(ino), String(bornNs)];
  }
  if (node.directory) stored.d = 1;
  if (node.hidden !== undefined) stored.x = storedLink(node.hidden);
  if (node.lastPath !== undefined) stored.p = node.lastPath;
  return Buffer.from(JSON.stringify(stored), 'latin1');
}

export function decodeOverlayNode(key: string, row: Uint8Array): OverlayNode {
  const stored = JSON.parse(Buffer.from(row).toString('latin1')) as StoredNode;
  const identity =
    stored.i === undefined
      ? undefined
      : { dev: BigInt(stored.i[0]), ino: BigInt(stored.i[1]), bornNs: BigInt(stored.i[2]) };
  return {
    id: parseInt(key.slice(ROW_PREFIX.length), KEY_RADIX),
    identity,
    directory: stored.d === 1,
    lookups: stored.l,
    handles: 0,
    children: 0,
    links: stored.k.map(linkOf),
    hidden: stored.x === undefined ? undefined : linkOf(stored.x),
    lastPath: stored.p,
  };
}
