import * as zlib from 'node:zlib';
import { promisify } from 'node:util';
import { WireError } from './errors.js';
import { MESSAGE_BYTES_MAX } from './limits.js';

/*
 * A message of batches may travel compressed, when both sides agreed on it:
 *
 *  0 u8  0x02                 4 u32 bytes of the message inside
 *  1 u8  1 gzip, 2 zstd       8 ..  the message, compressed
 *  2 u16 zero
 *
 * Both directions of the work are done by libuv's threads, beside the event loop.
 */
const COMPRESSED_MAGIC = 0x02;
const HEADER_BYTES = 8;

/** In order of preference. */
const CODES = { zstd: 2, gzip: 1 } as const;

export type Compression = keyof typeof CODES;

/** Fast, and most of what a higher level gains: log lines shrink to about a tenth already. */
const GZIP_LEVEL = 1;

type Work = (bytes: Buffer, options: zlib.ZlibOptions) => Promise<Buffer>;

const WORKS: Readonly<Record<Compression, { compress: Work; decompress: Work } | undefined>> = {
  // Built into Node from 22.15 on.
  zstd: builtIn('zstdCompress', 'zstdDecompress'),
  gzip: {
    compress: (bytes) => promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip)(bytes, { level: GZIP_LEVEL }),
    decompress: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  },
};

/** What this side can do, the best first. */
export function availableCompressions(): Compression[] {
  return namesOfCompressions().filter((name) => WORKS[name] !== undefined);
}

/** The first of `offered` that this side can do as well. */
export function chooseCompression(offered: readonly string[]): Compression | undefined {
  return availableCompressions().find((name) => offered.includes(name));
}

export function isCompressed(message: Buffer): boolean {
  return message[0] === COMPRESSED_MAGIC;
}

/** How long the message inside is. Throws {@link WireError} for a header that makes no sense. */
export function readMessageBytes(message: Buffer): number {
  if (message.length < HEADER_BYTES)
    throw new WireError('malformed', 'a compressed message without a header');
  const bytes = message.readUInt32LE(4);
  if (bytes === 0 || bytes > MESSAGE_BYTES_MAX) {
    throw new WireError(
      'limit',
      `a compressed message that is ${bytes} bytes long: at most ${MESSAGE_BYTES_MAX} are allowed`,
    );
  }
  return bytes;
}

/** The message compressed; it may be longer than before. */
export async function compressMessage(compression: Compression, message: Buffer): Promise<Buffer> {
  const body = await workOf(compression).compress(message, {});
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(COMPRESSED_MAGIC, 0);
  header.writeUInt8(CODES[compression], 1);
  header.writeUInt32LE(message.length, 4);
  return Buffer.concat([header, body]);
}

/** Rejects with {@link WireError} for bytes that are not what their header says. No more memory is taken than it says. */
export async function decompressMessage(message: Buffer): Promise<Buffer> {
  const expectedBytes = readMessageBytes(message);
  const compression = namesOfCompressions().find((name) => CODES[name] === message[1]);
  const work = compression && WORKS[compression];
  if (work === undefined)
    throw new WireError('malformed', 'a message with a compression that is not known here');
  let found: Buffer;
  try {
    found = await work.decompress(message.subarray(HEADER_BYTES), { maxOutputLength: expectedBytes });
  } catch (cause) {
    throw new WireError('malformed', `a compressed message that cannot be read: ${String(cause)}`, { cause });
  }
  if (found.length !== expectedBytes) {
    throw new WireError('malformed', `a compressed message of ${found.length} bytes, not ${expectedBytes}`);
  }
  return found;
}

function namesOfCompressions(): Compression[] {
  return Object.keys(CODES) as Compression[];
}

function workOf(compression: Compression): { compress: Work; decompress: Work } {
  const work = WORKS[compression];
  if (work === undefined) throw new WireError('malformed', `this Node.js does not know ${compression}`);
  return work;
}

type Callback = (error: Error | null, result: Buffer) => void;

function builtIn(compress: string, decompress: string): { compress: Work; decompress: Work } | undefined {
  const functions = zlib as unknown as Readonly<
    Record<string, ((bytes: Buffer, options: zlib.ZlibOptions, done: Callback) => void) | undefined>
  >;
  const [there, back] = [functions[compress], functions[decompress]];
  return there && back && { compress: promisify(there), decompress: promisify(back) };
}
