import type { ByteString } from './operations.js';
import {
  NOTIFY_INVALIDATE_ENTRY,
  NOTIFY_INVALIDATE_INODE,
  NOTIFY_RESEND,
  REPLY_HEADER_BYTES,
} from './protocol.js';
import { writeInt64 } from './bytes.js';

/** Messages to the kernel that answer nothing: a reply's header with unique 0 and, as its error, the message's number. */
function notification(number: number, bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(REPLY_HEADER_BYTES + bodyBytes);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeInt32LE(number, 4);
  return bytes;
}

export function encodeResend(): Buffer {
  return notification(NOTIFY_RESEND, 0);
}

/**
 * ```
 * 0 u64 nodeid   8 i64 offset   16 i64 length
 * ```
 */
export function encodeInvalidateInode(nodeId: number, offset: number, lengthBytes: number): Buffer {
  const bytes = notification(NOTIFY_INVALIDATE_INODE, 24);
  writeInt64(bytes, REPLY_HEADER_BYTES, nodeId);
  writeInt64(bytes, REPLY_HEADER_BYTES + 8, offset);
  writeInt64(bytes, REPLY_HEADER_BYTES + 16, lengthBytes);
  return bytes;
}

/**
 * ```
 * 0 u64 parent   8 u32 length of the name   12 u32 flags   16 the name and a zero byte
 * ```
 */
export function encodeInvalidateEntry(parent: number, name: ByteString): Buffer {
  const nameBytes = Buffer.from(name, 'latin1');
  const bytes = notification(NOTIFY_INVALIDATE_ENTRY, 16 + nameBytes.length + 1);
  writeInt64(bytes, REPLY_HEADER_BYTES, parent);
  bytes.writeUInt32LE(nameBytes.length, REPLY_HEADER_BYTES + 8);
  nameBytes.copy(bytes, REPLY_HEADER_BYTES + 16);
  return bytes;
}
