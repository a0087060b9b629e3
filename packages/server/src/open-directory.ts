import {
  closeSync,
  constants,
  fsync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import { promisify } from 'node:util';

const fsyncAsync = promisify(fsync);

/** A directory that stays the same one whatever becomes of its name. No symbolic link in it is followed. */
export class OpenDirectory {
  /** Owns the descriptor. `name`: below the output directory, empty for itself, a byte string. */
  constructor(
    readonly fd: number,
    readonly name: string,
  ) {}

  /** Below the output directory, as the state knows files. */
  fullName(segment: string): string {
    return this.name === '' ? segment : `${this.name}/${segment}`;
  }

  list(): string[] {
    return readdirSync(this.#path(''), 'latin1');
  }

  stat(segment: string): BigIntStats | undefined {
    return lstatSync(this.#path(segment), { bigint: true, throwIfNoEntry: false });
  }

  rename(from: string, to: string): void {
    renameSync(this.#path(from), this.#path(to));
  }

  /** One that is not there is no error. */
  unlink(segment: string): void {
    if (this.stat(segment) !== undefined) unlinkSync(this.#path(segment));
  }

  openToRead(segment: string): number {
    return openSync(this.#path(segment), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  }

  /** Makes a file that must not be there yet. */
  create(segment: string, mode: number): number {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    return openSync(this.#path(segment), flags, mode);
  }

  /** Entries that were made, renamed and removed are so on the disk. */
  async sync(): Promise<void> {
    await fsyncAsync(this.fd);
  }

  close(): void {
    closeSync(this.fd);
  }

  #path(segment: string): Buffer {
    return Buffer.from(`/proc/self/fd/${this.fd}/${segment}`, 'latin1');
  }
}
