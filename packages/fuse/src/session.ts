import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { answerAbandoned } from './abandoned.js';
import { FuseDevice, READ_AGAIN, READ_ENDED } from './device.js';
import { Dispatcher, type FaultListener } from './dispatch.js';
import { encodeInvalidateEntry, encodeInvalidateInode, encodeResend } from './notifications.js';
import type {
  Attributes,
  ByteString,
  Entry,
  FuseOperations,
  FuseReplies,
  FuseRequest,
  Negotiated,
} from './operations.js';
import { OPCODE, REQUEST_HEADER_BYTES, REQUEST_OVERHEAD_BYTES, WRITE_HEADER_BYTES } from './protocol.js';
import { ParkedReplies } from './replies.js';
import { RequestHeader } from './request.js';

export interface FuseSessionOptions {
  /** A /dev/fuse that is mounted and negotiated. */
  fd: number;
  operations: FuseOperations;
  negotiated: Negotiated;
  /** How many bytes in front of a WRITE's data the operation may use; 0 when absent. */
  headroomBytes?: number;
  /** Called after each request, when its answer is sent or it is parked. What it throws ends run(). */
  onRequestEnd?: () => void;
  /**
   * Told of errors that are no answers: an operation threw something without an error number (its request got EIO),
   * or the kernel sent or refused what it should not. Printed to standard error when absent.
   */
  onFault?: FaultListener;
}

/** Data of a WRITE begins at a multiple of this, which is what copying likes. */
const ALIGNMENT_BYTES = 64;

/**
 * Serves one mount, one request after the other, with one read and one write each.
 *
 * States: new → serving (run) → ended (unmounted). A session that takes a mount over from a process that died calls
 * resend() before run(), to be given what that process has read and not answered.
 *
 * Deadlocks: a process must never make a synchronous file call on a mount that it serves, nor wait for another
 * process that does; an operation must not either.
 */
export class FuseSession implements FuseReplies {
  private readonly device: FuseDevice;
  private readonly dispatcher: Dispatcher;
  private readonly replies: ParkedReplies;
  private readonly operations: FuseOperations;
  private readonly canResend: boolean;
  private readonly onRequestEnd: (() => void) | undefined;
  private readonly bytes: Buffer;
  private readonly requestStart: number;
  private answersAbandoned = false;

  constructor(options: FuseSessionOptions) {
    assert(endianness() === 'LE', 'the FUSE driver supports little-endian hosts');
    const { fd, operations, negotiated, headroomBytes = 0 } = options;
    this.device = new FuseDevice(fd);
    this.dispatcher = new Dispatcher(operations, this.device, options.onFault ?? printFault);
    this.replies = new ParkedReplies(this.device);
    this.operations = operations;
    this.canResend = negotiated.canResend;
    this.onRequestEnd = options.onRequestEnd;
    const dataStart = alignedBytes(Math.max(headroomBytes, REQUEST_HEADER_BYTES + WRITE_HEADER_BYTES));
    // By the time an operation is called the headers are decoded, so they are part of the free room.
    this.requestStart = dataStart - REQUEST_HEADER_BYTES - WRITE_HEADER_BYTES;
    this.bytes = Buffer.allocUnsafeSlow(
      this.requestStart + negotiated.writeBytesMax + REQUEST_OVERHEAD_BYTES,
    );
  }

  /** Blocks: reads, handles, answers, until the mount is gone; then calls the operations' destroy. */
  run(): void {
    for (;;) {
      const lengthBytes = this.device.read(
        this.bytes,
        this.requestStart,
        this.bytes.length - this.requestStart,
      );
      if (lengthBytes === READ_ENDED) break;
      if (lengthBytes === READ_AGAIN) continue;
      if (this.answersAbandoned) this.answerAbandoned(lengthBytes);
      this.dispatcher.handle(this.bytes, this.requestStart, lengthBytes);
      this.onRequestEnd?.();
    }
    this.operations.destroy?.();
  }

  /**
   * Asks the kernel to hand out again what was read and not answered; such requests carry `resent`. To be called
   * once, before run(), by a session that takes a mount over. Where the kernel cannot (`negotiated.canResend` is
   * false), those requests are answered with EIO when the first request comes: an error beats a hang.
   */
  resend(): void {
    if (!this.canResend) {
      this.answersAbandoned = true;
      return;
    }
    const notification = encodeResend();
    this.device.write(notification, notification.length);
  }

  /**
   * Tells the kernel that what it keeps of a file is out of date: attributes, and cached bytes from `offset` on
   * (`lengthBytes` 0: up to the end; a negative offset: attributes only). A node that the kernel does not know is no
   * error. To be called between requests, from onRequestEnd: inside an operation the kernel may wait for a lock
   * that the very request holds.
   */
  invalidateInode(nodeId: number, offset = 0, lengthBytes = 0): void {
    const bytes = encodeInvalidateInode(nodeId, offset, lengthBytes);
    this.device.write(bytes, bytes.length);
  }

  /** Tells the kernel to forget a name, be it there or not. Between requests only, as invalidateInode. */
  invalidateEntry(parent: number, name: ByteString): void {
    const bytes = encodeInvalidateEntry(parent, name);
    this.device.write(bytes, bytes.length);
  }

  private answerAbandoned(lengthBytes: number): void {
    const first = new RequestHeader();
    const isSound = first.decode(this.bytes, this.requestStart, lengthBytes);
    // An interruption carries the number of the request that it interrupts: it does not say how far the predecessor has read.
    if (isSound && first.opcode === OPCODE.INTERRUPT) return;
    this.answersAbandoned = false;
    if (isSound) answerAbandoned(this.device, first);
  }

  replyError(request: FuseRequest, errno: number): void {
    this.replies.replyError(request, errno);
  }

  replyEmpty(request: FuseRequest): void {
    this.replies.replyEmpty(request);
  }

  replyWritten(request: FuseRequest, bytes: number): void {
    this.replies.replyWritten(request, bytes);
  }

  replyEntry(request: FuseRequest, entry: Entry): void {
    this.replies.replyEntry(request, entry);
  }

  replyAttributes(request: FuseRequest, attributes: Attributes, validMs: number): void {
    this.replies.replyAttributes(request, attributes, validMs);
  }
}

function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function printFault(error: unknown, opcode: number): void {
  console.error(`fuse: request ${opcode} failed:`, error);
}
