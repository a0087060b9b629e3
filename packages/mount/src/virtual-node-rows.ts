import type { ByteString, Timestamp } from '@k2hft/fuse';
import type { Link } from './nodes-names.js';
import type { TailContent } from './tail-content.js';

/** A file, directory or symlink that exists in the queue's rows only. */
export interface VirtualNode extends TailContent {
  readonly id: number;
  /** As st_mode. */
  mode: number;
  uid: number;
  gid: number;
  /** How many lookups the kernel has not taken back. */
  lookups: number;
  /** Open handles. Counted anew from their own rows by each worker. */
  handles: number;
  links: Link[];
  /** What a symlink says; undefined for everything else. */
  readonly target: Buffer | undefined;
  /** The path it had before its last name was removed. */
  lastPath: ByteString | undefined;
  sizeBytes: number;
  keptFrom: number;
  atime: Timestamp;
  mtime: Timestamp;
  ctime: Timestamp;
  /** Of a directory, by name; built anew from the others' links by each worker. */
  readonly children: Map<ByteString, VirtualNode>;
  /** How many of the children are directories. */
  directories: number;
}

export const VIRTUAL_NODE_PREFIX = 'nv';
const VIRTUAL_CONTENT_PREFIX = 'ns';
const KEY_RADIX = 36;

export function virtualNodeKey(id: number): string {
  return VIRTUAL_NODE_PREFIX + id.toString(KEY_RADIX);
}

export function virtualContentKey(id: number): string {
  return VIRTUAL_CONTENT_PREFIX + id.toString(KEY_RADIX);
}

interface StoredNode {
  m: number;
  u: number;
  g: number;
  l: number;
  k: [parent: number, name: string][];
  t?: string;
  p?: string;
}

/** What changes rarely: JSON, one byte per character, as names are byte strings. */
export function encodeVirtualNode(node: VirtualNode): Buffer {
  const stored: StoredNode = {
    m: node.mode,
    u: node.uid,
    g: node.gid,
    l: node.lookups,
    k: node.links.map(({ parent, name }) => [parent, name]),
  };
  if (node.target !== undefined) stored.t = node.target.toString('latin1');
  if (node.lastPath !== undefined) stored.p = node.lastPath;
  return Buffer.from(JSON.stringify(stored), 'latin1');
}

const TIME_BYTES = 12;
const SIZES_BYTES = 16;
const CONTENT_BYTES = SIZES_BYTES + 3 * TIME_BYTES;

/**
 * What every write changes, in a small row of its own. Little endian:
 *
 *      0 f64 size in bytes
 *      8 f64 first kept byte
 *     16 f64 seconds, u32 nanos   time of access
 *     28 f64 seconds, u32 nanos   time of modification
 *     40 f64 seconds, u32 nanos   time of change
 */
export function encodeVirtualContent(node: VirtualNode): Buffer {
  const row = Buffer.allocUnsafe(CONTENT_BYTES);
  row.writeDoubleLE(node.sizeBytes, 0);
  row.writeDoubleLE(node.keptFrom, 8);
  writeTime(row, SIZES_BYTES, node.atime);
  writeTime(row, SIZES_BYTES + TIME_BYTES, node.mtime);
  writeTime(row, SIZES_BYTES + 2 * TIME_BYTES, node.ctime);
  return row;
}

function writeTime(row: Buffer, at: number, time: Timestamp): void {
  row.writeDoubleLE(time.seconds, at);
  row.writeUInt32LE(time.nanos, at + 8);
}

const EPOCH: Timestamp = { seconds: 0, nanos: 0 };

export function decodeVirtualNode(
  key: string,
  row: Uint8Array,
  content: Uint8Array | undefined,
): VirtualNode {
  const stored = JSON.parse(Buffer.from(row).toString('latin1')) as StoredNode;
  const node: VirtualNode = {
    id: parseInt(key.slice(VIRTUAL_NODE_PREFIX.length), KEY_RADIX),
    mode: stored.m,
    uid: stored.u,
    gid: stored.g,
    lookups: stored.l,
    handles: 0,
    links: stored.k.map(([parent, name]) => ({ parent, name })),
    target: stored.t === undefined ? undefined : Buffer.from(stored.t, 'latin1'),
    lastPath: stored.p,
    sizeBytes: 0,
    keptFrom: 0,
    atime: EPOCH,
    mtime: EPOCH,
    ctime: EPOCH,
    children: new Map(),
    directories: 0,
  };
  if (content !== undefined) decodeContent(node, Buffer.from(content));
  return node;
}

function decodeContent(node: VirtualNode, row: Buffer): void {
  const timeAt = (at: number): Timestamp => ({
    seconds: row.readDoubleLE(at),
    nanos: row.readUInt32LE(at + 8),
  });
  node.sizeBytes = row.readDoubleLE(0);
  node.keptFrom = row.readDoubleLE(8);
  node.atime = timeAt(SIZES_BYTES);
  node.mtime = timeAt(SIZES_BYTES + TIME_BYTES);
  node.ctime = timeAt(SIZES_BYTES + 2 * TIME_BYTES);
}
