/** Decoders of the requests that name an entry of a directory. Each says what its body looks like. */
import type { RequestBody } from './body.js';
import type { ByteString } from './operations.js';

/** `name\0`; so are UNLINK and RMDIR. */
export function decodeName(body: RequestBody): ByteString {
  return body.name(0);
}

/** `name\0target\0` */
export function decodeSymlink(body: RequestBody): { name: ByteString; target: Buffer } {
  const name = body.name(0);
  const targetStart = body.stringEnd(0) + 1;
  const targetEnd = body.stringEnd(targetStart);
  // A copy: the file system may keep it.
  const target = Buffer.from(body.bytes.subarray(body.start + targetStart, body.start + targetEnd));
  return { name, target };
}

/** `0 u32 mode  4 u32 rdev  8 u32 umask  12 u32 padding  16 name\0` */
export function decodeMknod(body: RequestBody): { name: ByteString; mode: number; rdev: number } {
  body.need(16);
  return { mode: body.word(0), rdev: body.word(4), name: body.name(16) };
}

/** `0 u32 mode  4 u32 umask  8 name\0` */
export function decodeMkdir(body: RequestBody): { name: ByteString; mode: number } {
  body.need(8);
  return { mode: body.word(0), name: body.name(8) };
}

export interface RenameArguments {
  name: ByteString;
  newParent: number;
  newName: ByteString;
  flags: number;
}

/** `0 u64 newdir  8 name\0newname\0` */
export function decodeRename(body: RequestBody): RenameArguments {
  body.need(8);
  return { newParent: body.long(0), flags: 0, ...twoNames(body, 8) };
}

/** `0 u64 newdir  8 u32 flags  12 u32 padding  16 name\0newname\0` */
export function decodeRename2(body: RequestBody): RenameArguments {
  body.need(16);
  return { newParent: body.long(0), flags: body.word(8), ...twoNames(body, 16) };
}

function twoNames(body: RequestBody, at: number): { name: ByteString; newName: ByteString } {
  return { name: body.name(at), newName: body.name(body.stringEnd(at) + 1) };
}

/** `0 u64 oldnodeid  8 name\0` */
export function decodeLink(body: RequestBody): { existing: number; name: ByteString } {
  body.need(8);
  return { existing: body.long(0), name: body.name(8) };
}

/** `0 u32 flags  4 u32 mode  8 u32 umask  12 u32 open_flags  16 name\0` */
export function decodeCreate(body: RequestBody): { flags: number; mode: number; name: ByteString } {
  body.need(16);
  return { flags: body.word(0), mode: body.word(4), name: body.name(16) };
}
