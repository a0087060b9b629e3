import type { FuseOutput } from './dispatch.js';
import { encodeReplyHeader } from './encode.js';
import { ERRNO } from './errno.js';
import type { FuseRequest } from './operations.js';
import { REPLY_HEADER_BYTES, UNIQUE_STEP } from './protocol.js';

/**
 * How far back a new session looks for requests that its predecessor has read and not answered. One process has one
 * request in its hands, and a few that are parked; the numbers between them are those of later requests, all answered.
 * Each try costs about 10 µs, so this is a pause of some 200 ms.
 */
const LOOK_BACK_REQUESTS = 16_384;
const WORD = 0x1_0000_0000;

/**
 * Where the kernel cannot hand requests out again (before 6.9): answers with EIO whatever was read before `first`,
 * the first request that this session has read. The kernel counts requests up, hands them out in order, and takes no
 * answer for one that nobody waits for; so it is enough to try the numbers below.
 */
export function answerAbandoned(output: FuseOutput, first: FuseRequest): void {
  const reply = Buffer.alloc(REPLY_HEADER_BYTES);
  const lowest = Math.max(0, first.unique - LOOK_BACK_REQUESTS * UNIQUE_STEP);
  for (let unique = first.unique - UNIQUE_STEP; unique > lowest; unique -= UNIQUE_STEP) {
    const request = { ...first, uniqueLow: unique % WORD, uniqueHigh: Math.floor(unique / WORD) };
    encodeReplyHeader(reply, REPLY_HEADER_BYTES, ERRNO.EIO, request);
    output.write(reply, REPLY_HEADER_BYTES);
  }
}
