/** Answers to the requests that name an entry of a directory. */
import {
  decodeCreate,
  decodeLink,
  decodeMkdir,
  decodeMknod,
  decodeName,
  decodeRename,
  decodeRename2,
  decodeSymlink,
  type RenameArguments,
} from './decode-names.js';
import { encodeEntry, encodeOpened } from './encode.js';
import type { FuseOperations } from './operations.js';
import { REPLY_HEADER_BYTES } from './protocol.js';
import { ABSENT, EMPTY_REPLY, type Handler, type Turn } from './turn.js';

export const answerLookup: Handler = (operations, turn) => {
  if (operations.lookup === undefined) return ABSENT;
  return turn.replyEntry(operations.lookup(turn.request, decodeName(turn.body)));
};

export const answerSymlink: Handler = (operations, turn) => {
  if (operations.symlink === undefined) return ABSENT;
  const { name, target } = decodeSymlink(turn.body);
  return turn.replyEntry(operations.symlink(turn.request, name, target));
};

export const answerMknod: Handler = (operations, turn) => {
  if (operations.mknod === undefined) return ABSENT;
  const { name, mode, rdev } = decodeMknod(turn.body);
  return turn.replyEntry(operations.mknod(turn.request, name, mode, rdev));
};

export const answerMkdir: Handler = (operations, turn) => {
  if (operations.mkdir === undefined) return ABSENT;
  const { name, mode } = decodeMkdir(turn.body);
  return turn.replyEntry(operations.mkdir(turn.request, name, mode));
};

export const answerUnlink: Handler = (operations, turn) => {
  if (operations.unlink === undefined) return ABSENT;
  operations.unlink(turn.request, decodeName(turn.body));
  return EMPTY_REPLY;
};

export const answerRmdir: Handler = (operations, turn) => {
  if (operations.rmdir === undefined) return ABSENT;
  operations.rmdir(turn.request, decodeName(turn.body));
  return EMPTY_REPLY;
};

export const answerRename: Handler = (operations, turn) => rename(operations, turn, decodeRename(turn.body));

export const answerRename2: Handler = (operations, turn) =>
  rename(operations, turn, decodeRename2(turn.body));

function rename(operations: FuseOperations, turn: Turn, wanted: RenameArguments): number {
  if (operations.rename === undefined) return ABSENT;
  operations.rename(turn.request, wanted.name, wanted.newParent, wanted.newName, wanted.flags);
  return EMPTY_REPLY;
}

export const answerLink: Handler = (operations, turn) => {
  if (operations.link === undefined) return ABSENT;
  const { existing, name } = decodeLink(turn.body);
  return turn.replyEntry(operations.link(turn.request, existing, name));
};

/** The reply is an entry and what OPEN would answer, one behind the other. */
export const answerCreate: Handler = (operations, turn) => {
  if (operations.create === undefined) return ABSENT;
  const { name, flags, mode } = decodeCreate(turn.body);
  const { entry, opened } = operations.create(turn.request, name, flags, mode);
  return encodeOpened(turn.reply, encodeEntry(turn.reply, REPLY_HEADER_BYTES, entry), opened);
};
