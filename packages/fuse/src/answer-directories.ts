/** Answers to the requests on open directories. */
import { decodeFsync, decodeOpen, decodeRead, decodeRelease } from './decode-files.js';
import { encodeOpened } from './encode.js';
import { PARKED } from './operations.js';
import { REPLY_HEADER_BYTES } from './protocol.js';
import { ABSENT, EMPTY_REPLY, NO_REPLY, type Handler, type Turn } from './turn.js';

export const answerOpendir: Handler = (operations, turn) => {
  if (operations.opendir === undefined) return ABSENT;
  const opened = operations.opendir(turn.request, decodeOpen(turn.body));
  return encodeOpened(turn.reply, REPLY_HEADER_BYTES, opened);
};

export const answerReaddir: Handler = (operations, turn) => {
  if (operations.readdir === undefined) return ABSENT;
  const { handle, offset } = beginFilling(turn, false);
  operations.readdir(turn.request, handle, offset, turn.filler);
  return turn.filler.end;
};

/** A file system without readdirplus answers with its readdir: the mount is negotiated without knowing which it has. */
export const answerReaddirplus: Handler = (operations, turn) => {
  if (operations.readdirplus === undefined && operations.readdir === undefined) return ABSENT;
  const { handle, offset } = beginFilling(turn, true);
  if (operations.readdirplus === undefined) operations.readdir?.(turn.request, handle, offset, turn.filler);
  else operations.readdirplus(turn.request, handle, offset, turn.filler);
  return turn.filler.end;
};

function beginFilling(turn: Turn, plus: boolean): { handle: number; offset: number } {
  const wanted = decodeRead(turn.body, turn.readArguments);
  turn.dataTarget(wanted.sizeBytes);
  turn.filler.begin(turn.reply, REPLY_HEADER_BYTES, REPLY_HEADER_BYTES + wanted.sizeBytes, plus);
  return wanted;
}

export const answerReleasedir: Handler = (operations, turn) => {
  if (operations.releasedir === undefined) return ABSENT;
  operations.releasedir(turn.request, decodeRelease(turn.body).handle);
  return EMPTY_REPLY;
};

export const answerFsyncdir: Handler = (operations, turn) => {
  if (operations.fsyncdir === undefined) return ABSENT;
  const { handle, dataOnly } = decodeFsync(turn.body);
  return operations.fsyncdir(turn.request, handle, dataOnly) === PARKED ? NO_REPLY : EMPTY_REPLY;
};
