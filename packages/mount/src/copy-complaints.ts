import { printableName, type Log } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';

interface Trouble {
  readonly files: Set<ByteString>;
  lostBytes: number;
}

/**
 * Tells the log when copies of one `copy_to` begin to fail and when all of them work again, and nothing in between: a directory may
 * hold thousands of files that all fail for the same reason.
 */
export class CopyComplaints {
  private readonly troubles = new Map<string, Trouble>();

  constructor(private readonly log: Log) {}

  fails(copyTo: string, path: ByteString, reason: string): void {
    const trouble = this.troubles.get(copyTo);
    if (trouble === undefined) {
      this.log(
        'error',
        `${printableName(path)} cannot be copied to, tried every second while others go on writing: ${reason}`,
      );
      this.troubles.set(copyTo, { files: new Set([path]), lostBytes: 0 });
    } else {
      trouble.files.add(path);
    }
  }

  lost(copyTo: string, bytes: number): void {
    const trouble = this.troubles.get(copyTo);
    if (trouble !== undefined) trouble.lostBytes += bytes;
  }

  worksAgain(copyTo: string, path: ByteString): void {
    const trouble = this.troubles.get(copyTo);
    if (trouble === undefined || !trouble.files.delete(path) || trouble.files.size > 0) return;
    this.troubles.delete(copyTo);
    this.log(
      'info',
      `copies to ${printableName(path)} are written again; ${trouble.lostBytes} bytes were not copied`,
    );
  }

  /** Nobody writes to the file any more, so nobody will see that it works again. */
  forget(path: ByteString): void {
    for (const [copyTo, { files }] of this.troubles) {
      if (files.delete(path) && files.size === 0) this.troubles.delete(copyTo);
    }
  }
}
