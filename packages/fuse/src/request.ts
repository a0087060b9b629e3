import { joinWords, readUint64 } from './bytes.js';
import type { FuseRequest } from './operations.js';
import { REQUEST_HEADER_BYTES } from './protocol.js';

/** The top bit of `unique`: the request was handed out before (7.40). */
const RESENT = 0x8000_0000;

/**
 * The header of the request that is being handled. A session has one, and fills it anew for each request: an
 * operation that parks its request keeps a copy, see {@link copyRequest}.
 *
 * ```
 *  0 u32 len      4 u32 opcode   8 u64 unique   16 u64 nodeid
 * 24 u32 uid     28 u32 gid     32 u32 pid      36 u16 total_extlen   38 u16 padding
 * ```
 */
export class RequestHeader implements FuseRequest {
  opcode = 0;
  unique = 0;
  uniqueLow = 0;
  uniqueHigh = 0;
  resent = false;
  nodeId = 0;
  uid = 0;
  gid = 0;
  pid = 0;

  /**
   * Fills the header from `bytes`. Returns false when the request cannot be handled: its length does not fit
   * `lengthBytes`, or its node id is none that a file system here has given out. `opcode` and `unique` are set
   * whenever there are as many bytes as a header has.
   */
  decode(bytes: Buffer, at: number, lengthBytes: number): boolean {
    if (lengthBytes < REQUEST_HEADER_BYTES) return false;
    this.opcode = bytes.readUInt32LE(at + 4);
    this.uniqueLow = bytes.readUInt32LE(at + 8);
    this.uniqueHigh = bytes.readUInt32LE(at + 12);
    this.unique = joinWords(this.uniqueLow, this.uniqueHigh);
    this.resent = this.uniqueHigh >= RESENT;
    const nodeId = readUint64(bytes, at + 16);
    this.nodeId = nodeId ?? 0;
    this.uid = bytes.readUInt32LE(at + 24);
    this.gid = bytes.readUInt32LE(at + 28);
    this.pid = bytes.readUInt32LE(at + 32);
    return nodeId !== undefined && bytes.readUInt32LE(at) === lengthBytes;
  }
}

/** A copy that stays as it is when the session goes on to the next request: what a parked request is answered with. */
export function copyRequest(request: FuseRequest): FuseRequest {
  const { unique, uniqueLow, uniqueHigh, resent, nodeId, uid, gid, pid } = request;
  return { unique, uniqueLow, uniqueHigh, resent, nodeId, uid, gid, pid };
}
