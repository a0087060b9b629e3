import type { FileSystemStatistics } from '@k2hft/fuse';
import { NAME_BYTES_MAX } from './nodes-names.js';
import { VIRTUAL_NODES_MAX } from './virtual-nodes.js';

const BLOCK_BYTES = 4096;

export interface Room {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** What statfs(2) says of a mount with so much room and so many nodes. */
export function virtualStatistics({ totalBytes, freeBytes }: Room, nodes: number): FileSystemStatistics {
  const blocksFree = Math.floor(Math.max(0, freeBytes) / BLOCK_BYTES);
  return {
    blocks: Math.max(blocksFree, Math.floor(totalBytes / BLOCK_BYTES)),
    blocksFree,
    blocksAvailable: blocksFree,
    files: VIRTUAL_NODES_MAX,
    filesFree: VIRTUAL_NODES_MAX - nodes,
    blockBytes: BLOCK_BYTES,
    fragmentBytes: BLOCK_BYTES,
    nameBytesMax: NAME_BYTES_MAX,
  };
}
