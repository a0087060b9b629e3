import { FuseError } from './errno.js';
import { PARKED, type ByteString, type FuseOperations, type FuseRequest } from './operations.js';
import { ROOT_NODE_ID } from './protocol.js';

/** Nodes that were looked up and are to be forgotten, from the top down. */
export type Looked = readonly number[];

/** Where a path leads, and every node on the way: the file system keeps them as long as they are held. */
export interface Found {
  readonly nodeId: number;
  readonly looked: Looked;
}

/**
 * Finds nodes by path, as the kernel does for the kernel's driver: libfuse's interface, which fuse-native offers, knows
 * paths only. What was found is held until it is let go.
 */
export class NativeWalk {
  constructor(
    private readonly operations: FuseOperations,
    private readonly makeRequest: (nodeId: number) => FuseRequest,
  ) {}

  find(names: readonly ByteString[]): Found {
    const looked: number[] = [];
    let nodeId = ROOT_NODE_ID;
    try {
      for (const name of names) {
        const entry = this.operations.lookup?.(this.makeRequest(nodeId), name);
        if (entry === undefined) throw new FuseError('ENOSYS');
        if (entry === PARKED) throw new FuseError('EAGAIN');
        nodeId = entry.nodeId;
        looked.push(nodeId);
      }
    } catch (error) {
      this.letGo(looked);
      throw error;
    }
    return { nodeId, looked };
  }

  letGo(looked: Looked): void {
    for (const nodeId of looked.toReversed()) this.operations.forget?.(nodeId, 1);
  }

  /** Finds, calls, and lets go, also when the call throws. */
  with<T>(names: readonly ByteString[], use: (nodeId: number) => T): T {
    const found = this.find(names);
    try {
      return use(found.nodeId);
    } finally {
      this.letGo(found.looked);
    }
  }
}
