/** Answers to the requests about references, interrupts and the mount itself. */
import { decodeBatchForget, decodeForget, decodeInterrupt } from './decode-files.js';
import { ERRNO } from './errno.js';
import { ABSENT, EMPTY_REPLY, NO_REPLY, type Handler } from './turn.js';

export const answerForget: Handler = (operations, turn) => {
  operations.forget?.(turn.request.nodeId, decodeForget(turn.body));
  return NO_REPLY;
};

export const answerBatchForget: Handler = (operations, turn) => {
  for (const { nodeId, lookups } of decodeBatchForget(turn.body)) operations.forget?.(nodeId, lookups);
  return NO_REPLY;
};

/** What the interrupted caller gets is the answer to its own request; ENOSYS here ends all interrupts of the mount. */
export const answerInterrupt: Handler = (operations, turn) => {
  if (operations.interrupt === undefined) return ABSENT;
  operations.interrupt(decodeInterrupt(turn.body));
  return NO_REPLY;
};

export const answerDestroy: Handler = () => EMPTY_REPLY;

/** Programs that try an ioctl (isatty) know this answer; ENOSYS would reach them from older kernels. */
export const answerIoctl: Handler = () => -ERRNO.ENOTTY;
