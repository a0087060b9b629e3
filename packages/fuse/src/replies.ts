import assert from 'node:assert/strict';
import { REPLY_HEADER_BYTES } from './protocol.js';
import { ENTRY_BYTES, encodeAttributesReply, encodeEntry, encodeReplyHeader, encodeSize } from './encode.js';
import type { FuseOutput } from './dispatch.js';
import type { Attributes, Entry, FuseReplies, FuseRequest } from './operations.js';

/**
 * Answers parked requests, from within the turn of another one: therefore with a buffer of its own, as the other's
 * reply may be half written.
 */
export class ParkedReplies implements FuseReplies {
  private readonly output: FuseOutput;
  private readonly reply = Buffer.alloc(REPLY_HEADER_BYTES + ENTRY_BYTES);

  constructor(output: FuseOutput) {
    this.output = output;
  }

  replyError(request: FuseRequest, errno: number): void {
    assert(errno > 0, 'an error number is positive');
    this.send(request, REPLY_HEADER_BYTES, errno);
  }

  replyEmpty(request: FuseRequest): void {
    this.send(request, REPLY_HEADER_BYTES, 0);
  }

  replyWritten(request: FuseRequest, bytes: number): void {
    this.send(request, encodeSize(this.reply, REPLY_HEADER_BYTES, bytes), 0);
  }

  replyEntry(request: FuseRequest, entry: Entry): void {
    this.send(request, encodeEntry(this.reply, REPLY_HEADER_BYTES, entry), 0);
  }

  replyAttributes(request: FuseRequest, attributes: Attributes, validMs: number): void {
    this.send(request, encodeAttributesReply(this.reply, REPLY_HEADER_BYTES, attributes, validMs), 0);
  }

  private send(request: FuseRequest, lengthBytes: number, errno: number): void {
    encodeReplyHeader(this.reply, lengthBytes, errno, request);
    this.output.write(this.reply, lengthBytes);
  }
}
