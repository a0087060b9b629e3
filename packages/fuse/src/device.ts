import { readSync, writeSync } from 'node:fs';
import type { FuseOutput } from './dispatch.js';

/** What {@link FuseDevice.read} returns when nothing will come any more: the mount is gone. */
export const READ_ENDED = 0;
/** Nothing came, ask again. */
export const READ_AGAIN = -1;

/** The file descriptor of a /dev/fuse that belongs to a mount. Every call is synchronous. */
export class FuseDevice implements FuseOutput {
  private readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * Waits for a request and reads it whole into bytes[at .. at + lengthMax). Returns its length, READ_AGAIN or
   * READ_ENDED. The kernel wants room for its largest request, whatever it has to say.
   */
  read(bytes: Buffer, at: number, lengthMax: number): number {
    try {
      return readSync(this.fd, bytes, at, lengthMax, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // ENOENT: the caller was killed between the kernel's choice of the request and its copy.
      if (code === 'ENOENT' || code === 'EINTR') return READ_AGAIN;
      // ECONNABORTED in place of ENODEV comes only with FUSE_ABORT_ERROR, which another session may have settled.
      if (code === 'ENODEV' || code === 'ECONNABORTED') return READ_ENDED;
      throw error;
    }
  }

  write(reply: Buffer, lengthBytes: number): void {
    try {
      writeSync(this.fd, reply, 0, lengthBytes, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // ENOENT: the caller is gone. ENODEV, ECONNABORTED: the mount is; the next read says so.
      if (code !== 'ENOENT' && code !== 'ENODEV' && code !== 'ECONNABORTED') throw error;
    }
  }
}
