import {
  answerAccess,
  answerGetattr,
  answerGetxattr,
  answerListxattr,
  answerReadlink,
  answerRemovexattr,
  answerSetattr,
  answerSetxattr,
  answerStatfs,
} from './answer-attributes.js';
import {
  answerFsyncdir,
  answerOpendir,
  answerReaddir,
  answerReaddirplus,
  answerReleasedir,
} from './answer-directories.js';
import {
  answerCopyFileRange,
  answerFallocate,
  answerFlush,
  answerFsync,
  answerLseek,
  answerOpen,
  answerRead,
  answerRelease,
  answerWrite,
} from './answer-files.js';
import {
  answerCreate,
  answerLink,
  answerLookup,
  answerMkdir,
  answerMknod,
  answerRename,
  answerRename2,
  answerRmdir,
  answerSymlink,
  answerUnlink,
} from './answer-names.js';
import {
  answerBatchForget,
  answerDestroy,
  answerForget,
  answerInterrupt,
  answerIoctl,
} from './answer-session.js';
import { encodeReplyHeader } from './encode.js';
import { ERRNO, errnoOf, MalformedRequestError } from './errno.js';
import type { FuseOperations } from './operations.js';
import { OPCODE, OPCODE_LIMIT, REPLY_HEADER_BYTES, REQUEST_HEADER_BYTES } from './protocol.js';
import { ABSENT, Turn, type Handler } from './turn.js';

/** Where replies go: the device, or a test. */
export interface FuseOutput {
  /** Sends reply[0..lengthBytes). That the caller has gone away meanwhile is no error. */
  write(reply: Buffer, lengthBytes: number): void;
}

/** Told of what is not an answer: an operation failed with something else than an error number. */
export type FaultListener = (error: unknown, opcode: number) => void;

const HANDLERS: readonly [opcode: number, handler: Handler][] = [
  [OPCODE.LOOKUP, answerLookup],
  [OPCODE.FORGET, answerForget],
  [OPCODE.GETATTR, answerGetattr],
  [OPCODE.SETATTR, answerSetattr],
  [OPCODE.READLINK, answerReadlink],
  [OPCODE.SYMLINK, answerSymlink],
  [OPCODE.MKNOD, answerMknod],
  [OPCODE.MKDIR, answerMkdir],
  [OPCODE.UNLINK, answerUnlink],
  [OPCODE.RMDIR, answerRmdir],
  [OPCODE.RENAME, answerRename],
  [OPCODE.LINK, answerLink],
  [OPCODE.OPEN, answerOpen],
  [OPCODE.READ, answerRead],
  [OPCODE.WRITE, answerWrite],
  [OPCODE.STATFS, answerStatfs],
  [OPCODE.RELEASE, answerRelease],
  [OPCODE.FSYNC, answerFsync],
  [OPCODE.SETXATTR, answerSetxattr],
  [OPCODE.GETXATTR, answerGetxattr],
  [OPCODE.LISTXATTR, answerListxattr],
  [OPCODE.REMOVEXATTR, answerRemovexattr],
  [OPCODE.FLUSH, answerFlush],
  [OPCODE.OPENDIR, answerOpendir],
  [OPCODE.READDIR, answerReaddir],
  [OPCODE.RELEASEDIR, answerReleasedir],
  [OPCODE.FSYNCDIR, answerFsyncdir],
  [OPCODE.ACCESS, answerAccess],
  [OPCODE.CREATE, answerCreate],
  [OPCODE.INTERRUPT, answerInterrupt],
  [OPCODE.DESTROY, answerDestroy],
  [OPCODE.IOCTL, answerIoctl],
  [OPCODE.BATCH_FORGET, answerBatchForget],
  [OPCODE.FALLOCATE, answerFallocate],
  [OPCODE.READDIRPLUS, answerReaddirplus],
  [OPCODE.RENAME2, answerRename2],
  [OPCODE.LSEEK, answerLseek],
  [OPCODE.COPY_FILE_RANGE, answerCopyFileRange],
];

/** ENOSYS, which the kernel knows how to do without for every request that is not in the table. */
const answerUnknown: Handler = () => ABSENT;

const TABLE: readonly Handler[] = Array.from(
  { length: OPCODE_LIMIT },
  (_, opcode) => HANDLERS.find(([known]) => known === opcode)?.[1] ?? answerUnknown,
);

/**
 * Turns the bytes of one request into a call of an operation and the bytes of a reply. Does no I/O of its own, never
 * throws, and never waits: every request is answered, parked by the operation, or of a kind that has no answer.
 */
export class Dispatcher {
  private readonly turn = new Turn();
  private readonly operations: FuseOperations;
  private readonly output: FuseOutput;
  private readonly onFault: FaultListener;

  constructor(operations: FuseOperations, output: FuseOutput, onFault: FaultListener) {
    this.operations = operations;
    this.output = output;
    this.onFault = onFault;
  }

  /** Handles the request that stands in bytes[start .. start + lengthBytes). */
  handle(bytes: Buffer, start: number, lengthBytes: number): void {
    const { request, body } = this.turn;
    const sound = request.decode(bytes, start, lengthBytes);
    // Without a whole header there is nobody to answer.
    if (lengthBytes < REQUEST_HEADER_BYTES) return;
    body.set(bytes, start + REQUEST_HEADER_BYTES, start + lengthBytes);
    const outcome = this.answer(sound);
    if (outcome >= REPLY_HEADER_BYTES) this.send(outcome, 0);
    else if (outcome < 0 && !isUnanswered(request.opcode)) this.send(REPLY_HEADER_BYTES, -outcome);
  }

  private answer(sound: boolean): number {
    try {
      if (!sound) throw new MalformedRequestError('a header that contradicts its request');
      const handler = TABLE[this.turn.request.opcode] ?? answerUnknown;
      return handler(this.operations, this.turn);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined || error instanceof MalformedRequestError) this.fault(error);
      return -(errno ?? ERRNO.EIO);
    }
  }

  private send(lengthBytes: number, errno: number): void {
    const { reply, request } = this.turn;
    encodeReplyHeader(reply, lengthBytes, errno, request);
    try {
      this.output.write(reply, lengthBytes);
    } catch (error) {
      // The kernel did not take the reply: the caller must not wait for ever.
      this.fault(error);
      if (errno === 0) this.send(REPLY_HEADER_BYTES, ERRNO.EIO);
    }
  }

  private fault(error: unknown): void {
    this.onFault(error, this.turn.request.opcode);
  }
}

/** The kernel waits for no answer to these, and has nowhere to put one. */
function isUnanswered(opcode: number): boolean {
  return opcode === OPCODE.FORGET || opcode === OPCODE.BATCH_FORGET;
}
