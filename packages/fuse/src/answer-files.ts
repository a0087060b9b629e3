/** Answers to the requests on open files. */
import assert from 'node:assert/strict';
import {
  decodeCopyFileRange,
  decodeFallocate,
  decodeFlush,
  decodeFsync,
  decodeLseek,
  decodeOpen,
  decodeRead,
  decodeRelease,
  decodeWrite,
} from './decode-files.js';
import { encodeOffset, encodeOpened, encodeSize } from './encode.js';
import { PARKED } from './operations.js';
import { REPLY_HEADER_BYTES } from './protocol.js';
import { ABSENT, EMPTY_REPLY, NO_REPLY, type Handler } from './turn.js';

export const answerOpen: Handler = (operations, turn) => {
  if (operations.open === undefined) return ABSENT;
  const opened = operations.open(turn.request, decodeOpen(turn.body));
  return encodeOpened(turn.reply, REPLY_HEADER_BYTES, opened);
};

export const answerRead: Handler = (operations, turn) => {
  if (operations.read === undefined) return ABSENT;
  const { handle, offset, sizeBytes } = decodeRead(turn.body, turn.readArguments);
  const bytes = operations.read(turn.request, handle, offset, turn.dataTarget(sizeBytes));
  assert(bytes >= 0 && bytes <= sizeBytes, 'read() returns how much of its target it has filled');
  return REPLY_HEADER_BYTES + bytes;
};

export const answerWrite: Handler = (operations, turn) => {
  if (operations.write === undefined) return ABSENT;
  const wanted = decodeWrite(turn.body, turn.writeArguments);
  const sizeBytes = wanted.end - wanted.start;
  const written = operations.write(turn.request, wanted);
  if (written === PARKED) return NO_REPLY;
  assert(written >= 0 && written <= sizeBytes, 'write() returns how much it has written');
  return encodeSize(turn.reply, REPLY_HEADER_BYTES, written);
};

export const answerFlush: Handler = (operations, turn) => {
  if (operations.flush === undefined) return ABSENT;
  return operations.flush(turn.request, decodeFlush(turn.body)) === PARKED ? NO_REPLY : EMPTY_REPLY;
};

export const answerRelease: Handler = (operations, turn) => {
  if (operations.release === undefined) return ABSENT;
  const { handle, openFlags } = decodeRelease(turn.body);
  return operations.release(turn.request, handle, openFlags) === PARKED ? NO_REPLY : EMPTY_REPLY;
};

export const answerFsync: Handler = (operations, turn) => {
  if (operations.fsync === undefined) return ABSENT;
  const { handle, dataOnly } = decodeFsync(turn.body);
  return operations.fsync(turn.request, handle, dataOnly) === PARKED ? NO_REPLY : EMPTY_REPLY;
};

export const answerFallocate: Handler = (operations, turn) => {
  if (operations.fallocate === undefined) return ABSENT;
  const { handle, offset, lengthBytes, mode } = decodeFallocate(turn.body);
  operations.fallocate(turn.request, handle, offset, lengthBytes, mode);
  return EMPTY_REPLY;
};

export const answerLseek: Handler = (operations, turn) => {
  if (operations.lseek === undefined) return ABSENT;
  const { handle, offset, whence } = decodeLseek(turn.body);
  const found = operations.lseek(turn.request, handle, offset, whence);
  return encodeOffset(turn.reply, REPLY_HEADER_BYTES, found);
};

export const answerCopyFileRange: Handler = (operations, turn) => {
  if (operations.copyFileRange === undefined) return ABSENT;
  const { from, to, lengthBytes } = decodeCopyFileRange(turn.body);
  const copied = operations.copyFileRange(turn.request, from, to, lengthBytes);
  return copied === PARKED ? NO_REPLY : encodeSize(turn.reply, REPLY_HEADER_BYTES, copied);
};
