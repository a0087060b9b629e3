/** Answers to the requests about attributes, plain and extended, and about the whole file system. */
import {
  decodeAccess,
  decodeGetattr,
  decodeGetxattr,
  decodeListxattr,
  decodeRemovexattr,
  decodeSetattr,
  decodeSetxattr,
} from './decode-attributes.js';
import { encodeAttributesReply, encodeSize, encodeStatistics } from './encode.js';
import { ERRNO } from './errno.js';
import { PARKED } from './operations.js';
import { REPLY_HEADER_BYTES } from './protocol.js';
import { ABSENT, EMPTY_REPLY, NO_REPLY, type Handler, type Turn } from './turn.js';

export const answerGetattr: Handler = (operations, turn) => {
  if (operations.getattr === undefined) return ABSENT;
  const { attributes, validMs } = operations.getattr(turn.request, decodeGetattr(turn.body));
  return encodeAttributesReply(turn.reply, REPLY_HEADER_BYTES, attributes, validMs);
};

export const answerSetattr: Handler = (operations, turn) => {
  if (operations.setattr === undefined) return ABSENT;
  const changed = operations.setattr(turn.request, decodeSetattr(turn.body));
  if (changed === PARKED) return NO_REPLY;
  return encodeAttributesReply(turn.reply, REPLY_HEADER_BYTES, changed.attributes, changed.validMs);
};

export const answerReadlink: Handler = (operations, turn) => {
  if (operations.readlink === undefined) return ABSENT;
  return turn.replyBytes(operations.readlink(turn.request));
};

export const answerAccess: Handler = (operations, turn) => {
  if (operations.access === undefined) return ABSENT;
  operations.access(turn.request, decodeAccess(turn.body));
  return EMPTY_REPLY;
};

export const answerStatfs: Handler = (operations, turn) => {
  if (operations.statfs === undefined) return ABSENT;
  return encodeStatistics(turn.reply, REPLY_HEADER_BYTES, operations.statfs(turn.request));
};

export const answerSetxattr: Handler = (operations, turn) => {
  if (operations.setxattr === undefined) return ABSENT;
  const { name, value, flags } = decodeSetxattr(turn.body);
  operations.setxattr(turn.request, name, value, flags);
  return EMPTY_REPLY;
};

export const answerGetxattr: Handler = (operations, turn) => {
  if (operations.getxattr === undefined) return ABSENT;
  const { name, sizeMax } = decodeGetxattr(turn.body);
  return replyUpTo(turn, operations.getxattr(turn.request, name, sizeMax), sizeMax);
};

export const answerListxattr: Handler = (operations, turn) => {
  if (operations.listxattr === undefined) return ABSENT;
  const sizeMax = decodeListxattr(turn.body);
  return replyUpTo(turn, operations.listxattr(turn.request, sizeMax), sizeMax);
};

/** With `sizeMax` 0 the caller wants to know the size, else the bytes, and ERANGE when they are more. */
function replyUpTo(turn: Turn, value: Buffer, sizeMax: number): number {
  if (sizeMax === 0) return encodeSize(turn.reply, REPLY_HEADER_BYTES, value.length);
  return value.length > sizeMax ? -ERRNO.ERANGE : turn.replyBytes(value);
}

export const answerRemovexattr: Handler = (operations, turn) => {
  if (operations.removexattr === undefined) return ABSENT;
  operations.removexattr(turn.request, decodeRemovexattr(turn.body));
  return EMPTY_REPLY;
};
