import { RequestBody } from './body.js';
import { FuseDevice, READ_AGAIN, READ_ENDED } from './device.js';
import { encodeReplyHeader } from './encode.js';
import { ERRNO } from './errno.js';
import { decodeInit, encodeInit, INIT_OUT_BYTES, settle, type InitOffer } from './init.js';
import { MountError } from './mount-error.js';
import type { Negotiated } from './operations.js';
import {
  DATA_BYTES_MAX,
  OPCODE,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR_LEAST,
  REPLY_HEADER_BYTES,
  REQUEST_HEADER_BYTES,
} from './protocol.js';
import { RequestHeader } from './request.js';

export interface NegotiateOptions {
  /** The most that one WRITE may carry; whole pages of 4 KiB. The kernel may allow less. 1 MiB when absent. */
  writeBytesMax?: number;
}

/**
 * FUSE_MIN_READ_BUFFER: enough for INIT, and too small for any mount that is negotiated for larger writes. Such a
 * mount refuses the read at once, so a second negotiation cannot swallow somebody's request.
 */
const READ_BYTES = 8192;

/**
 * Reads INIT, the first request of a fresh mount, and answers it. Blocks until it is there, which is at once after
 * mounting. Throws {@link MountError} `protocol` when the kernel speaks what this driver does not or has been
 * answered before, and `unmounted` when the mount has gone away again.
 */
export function negotiate(fd: number, options: NegotiateOptions = {}): Negotiated {
  const device = new FuseDevice(fd);
  const header = new RequestHeader();
  const reply = Buffer.alloc(REPLY_HEADER_BYTES + INIT_OUT_BYTES);
  for (;;) {
    const offer = readOffer(device, header);
    refuseUnknown(offer, device, header);
    const settled = settle(offer, options.writeBytesMax ?? DATA_BYTES_MAX);
    const end = encodeInit(reply, REPLY_HEADER_BYTES, offer, settled);
    encodeReplyHeader(reply, end, 0, header);
    device.write(reply, end);
    // A kernel with a newer major version takes ours from this reply and asks once more.
    if (offer.major === PROTOCOL_MAJOR) return settled;
  }
}

function readOffer(device: FuseDevice, header: RequestHeader): InitOffer {
  const bytes = Buffer.alloc(READ_BYTES);
  for (;;) {
    const lengthBytes = readInit(device, bytes);
    if (lengthBytes === READ_ENDED)
      throw new MountError('unmounted', 'the mount went away before it was served');
    if (lengthBytes === READ_AGAIN) continue;
    if (!header.decode(bytes, 0, lengthBytes) || header.opcode !== OPCODE.INIT) throw alreadyNegotiated();
    return decodeInit(new RequestBody().set(bytes, REQUEST_HEADER_BYTES, lengthBytes));
  }
}

function readInit(device: FuseDevice, bytes: Buffer): number {
  try {
    return device.read(bytes, 0, bytes.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') throw alreadyNegotiated();
    throw error;
  }
}

function alreadyNegotiated(): MountError {
  return new MountError(
    'protocol',
    'this mount is negotiated already: hand on what its first session was given',
  );
}

function refuseUnknown(offer: InitOffer, device: FuseDevice, header: RequestHeader): void {
  const tooOld =
    offer.major < PROTOCOL_MAJOR || (offer.major === PROTOCOL_MAJOR && offer.minor < PROTOCOL_MINOR_LEAST);
  if (!tooOld) return;
  const reply = Buffer.alloc(REPLY_HEADER_BYTES);
  encodeReplyHeader(reply, REPLY_HEADER_BYTES, ERRNO.EPROTO, header);
  device.write(reply, REPLY_HEADER_BYTES);
  throw new MountError(
    'protocol',
    `this kernel speaks FUSE ${offer.major}.${offer.minor}, ` +
      `but ${PROTOCOL_MAJOR}.${PROTOCOL_MINOR_LEAST} is the least that works: use Linux 3.15 or newer`,
  );
}
