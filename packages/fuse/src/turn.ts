import { RequestBody } from './body.js';
import type { ReadArguments } from './decode-files.js';
import { ReplyFiller } from './directory-filler.js';
import { encodeEntry } from './encode.js';
import { ERRNO, MalformedRequestError } from './errno.js';
import { PARKED, type Entry, type FuseOperations, type Parked, type WriteArguments } from './operations.js';
import { DATA_BYTES_DEFAULT, REPLY_HEADER_BYTES } from './protocol.js';
import { RequestHeader } from './request.js';

/**
 * Answers one kind of request: reads the turn's body, calls the operation, writes the reply's body behind the place
 * of the header. Returns the reply's length with its header, {@link NO_REPLY}, or an error number made negative.
 */
export type Handler = (operations: FuseOperations, turn: Turn) => number;

export const NO_REPLY = 0;
export const EMPTY_REPLY = REPLY_HEADER_BYTES;
/** The file system does not have the operation. */
export const ABSENT = -ERRNO.ENOSYS;

/**
 * The most that a reply may hold. With pages of 64 KiB, 256 of them make 16 MiB: no kernel asks for more with its
 * default limit (fs.fuse.max_pages_limit), so more than this is a malformed request.
 */
const DATA_BYTES_LIMIT = 16 * 1024 * 1024;

/** What the handling of a request needs; one is used for all requests, so that none of it is allocated anew. */
export class Turn {
  readonly request = new RequestHeader();
  readonly body = new RequestBody();
  readonly filler = new ReplyFiller();
  readonly readArguments: ReadArguments = { handle: 0, offset: 0, sizeBytes: 0 };
  readonly writeArguments: WriteArguments = {
    handle: 0,
    offset: 0,
    buffer: this.body.bytes,
    start: 0,
    end: 0,
    fromCache: false,
    openFlags: 0,
  };
  /** The reply; its first bytes are the header, which the dispatcher fills in the end. */
  reply = Buffer.allocUnsafeSlow(REPLY_HEADER_BYTES + DATA_BYTES_DEFAULT);
  private data = this.reply.subarray(REPLY_HEADER_BYTES);

  /** Room for `sizeBytes` in the reply. The view is kept, as most reads ask for the same size as the one before. */
  dataTarget(sizeBytes: number): Buffer {
    if (this.data.length === sizeBytes) return this.data;
    this.makeRoom(sizeBytes);
    this.data = this.reply.subarray(REPLY_HEADER_BYTES, REPLY_HEADER_BYTES + sizeBytes);
    return this.data;
  }

  /** Puts bytes into the reply and returns its length. */
  replyBytes(bytes: Buffer): number {
    this.makeRoom(bytes.length);
    return REPLY_HEADER_BYTES + bytes.copy(this.reply, REPLY_HEADER_BYTES);
  }

  replyEntry(entry: Entry | Parked): number {
    return entry === PARKED ? NO_REPLY : encodeEntry(this.reply, REPLY_HEADER_BYTES, entry);
  }

  private makeRoom(sizeBytes: number): void {
    if (sizeBytes > DATA_BYTES_LIMIT) throw new MalformedRequestError(`a reply of ${sizeBytes} bytes`);
    if (REPLY_HEADER_BYTES + sizeBytes <= this.reply.length) return;
    this.reply = Buffer.allocUnsafeSlow(REPLY_HEADER_BYTES + sizeBytes);
  }
}
