import { readUint64 } from './bytes.js';
import { FuseError, MalformedRequestError } from './errno.js';
import type { ByteString } from './operations.js';

/**
 * The body of one request: bytes[start..end). Every reader checks that it stays inside, so a truncated request is
 * refused and never read with the bytes of an earlier one.
 */
export class RequestBody {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  set(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return this;
  }

  /** Checks once that the fixed part of a request is there; the word readers below rely on it. */
  need(lengthBytes: number): void {
    if (this.end - this.start < lengthBytes) {
      throw new MalformedRequestError(`${this.end - this.start} bytes instead of at least ${lengthBytes}`);
    }
  }

  word(at: number): number {
    return this.bytes.readUInt32LE(this.start + at);
  }

  /** An id or a count. One of 2^53 or more was never given out here. */
  long(at: number): number {
    const value = readUint64(this.bytes, this.start + at);
    if (value === undefined) throw new MalformedRequestError('a number above 2^53');
    return value;
  }

  /** An offset or a size in a file: programs may ask for any, and get EFBIG for what no file here can have. */
  position(at: number): number {
    const value = readUint64(this.bytes, this.start + at);
    if (value === undefined) throw new FuseError('EFBIG');
    return value;
  }

  /** The place of the NUL that ends the string which starts at `at`. */
  stringEnd(at: number): number {
    const from = this.start + at;
    const found = from < this.end ? this.bytes.indexOf(0, from) : -1;
    if (found < 0 || found >= this.end) throw new MalformedRequestError('a string without its end');
    return found - this.start;
  }

  /** The string that starts at `at`, with any bytes but NUL. */
  string(at: number): ByteString {
    return this.bytes.toString('latin1', this.start + at, this.start + this.stringEnd(at));
  }

  /** One component of a path: never empty, `.`, `..` or with a slash, whatever the file system does with it. */
  name(at: number): ByteString {
    const name = this.string(at);
    if (name === '' || name === '.' || name === '..' || name.includes('/')) {
      throw new MalformedRequestError('a name that is no name');
    }
    return name;
  }
}
